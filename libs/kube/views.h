// Every typed view: `const Pod* pod = object->As<Pod>();`
#pragma once

#include "libs/kube/views_cluster.h"
#include "libs/kube/views_network.h"
#include "libs/kube/views_pod.h"
#include "libs/kube/views_workload.h"
