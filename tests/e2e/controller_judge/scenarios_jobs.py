"""Jobs and CronJobs."""
import time

from scenario import scenario, template

ALL = ("jobs", "pods")


def job(name, state="completed", spec=None, metadata=None, **pod_more):
    made = template(name, state, **pod_more)
    return {"kind": "Job", "metadata": {"name": name, **(metadata or {})}, "spec": {"template": made, **(spec or {})}}


def condition(play, name, kind):
    return any(c["type"] == kind and c["status"] == "True" for c in (play.status("jobs", name).get("conditions") or []))


@scenario(*ALL)
def job_completes(p):
    p.create(job("once"))
    p.until("complete", lambda: condition(p, "once", "Complete"))
    p.show("complete")
    p.delete("jobs", "once", "Background")
    p.until("gone", lambda: not p.list("pods"))
    p.show("deleted with its pods")


@scenario(*ALL, seconds=20)
def job_completions_and_parallelism(p):
    p.create(job("many", spec={"completions": 5, "parallelism": 2}))
    p.until("complete", lambda: condition(p, "many", "Complete"), 60)
    p.show("five")


@scenario(*ALL)
def job_parallelism_beyond_completions(p):
    p.create(job("wide", "busy", spec={"completions": 2, "parallelism": 9}))
    p.until("two", lambda: p.status("jobs", "wide").get("active") == 2)
    p.show("two only")


@scenario(*ALL)
def job_parallelism_zero(p):
    p.create(job("none", spec={"parallelism": 0}))
    p.until("observed", lambda: p.status("jobs", "none") is not None)
    p.show("nothing")
    p.patch("jobs", "none", {"spec": {"parallelism": 1}})
    p.until("complete", lambda: condition(p, "none", "Complete"))
    p.show("then one")


@scenario(*ALL)
def job_scaled_down(p):
    p.create(job("wide", "busy", spec={"completions": 6, "parallelism": 4}))
    p.until("four", lambda: p.status("jobs", "wide").get("active") == 4)
    p.patch("jobs", "wide", {"spec": {"parallelism": 1}})
    p.until("one", lambda: p.status("jobs", "wide").get("active") == 1 and len(p.list("pods")) == 1)
    p.show("one")


@scenario(*ALL, seconds=40)
def job_back_off_limit(p):
    p.create(job("fails", "failed", spec={"backoffLimit": 1}))
    p.until("failed", lambda: condition(p, "fails", "Failed"), 60)
    p.show("failed")


@scenario(*ALL)
def job_back_off_limit_zero(p):
    p.create(job("fails", "failed", spec={"backoffLimit": 0}))
    p.until("failed", lambda: condition(p, "fails", "Failed"), 60)
    p.show("failed")


@scenario(*ALL)
def job_deadline(p):
    p.create(job("late", "busy", spec={"activeDeadlineSeconds": 3}))
    p.until("failed", lambda: condition(p, "late", "Failed"), 60)
    p.until("no pods", lambda: not p.pods())
    p.show("late")


@scenario(*ALL, seconds=20)
def job_time_to_live(p):
    p.create(job("brief", spec={"ttlSecondsAfterFinished": 3}))
    p.until("complete", lambda: condition(p, "brief", "Complete"))
    p.show("complete", "jobs", settle=False)
    p.until_gone("jobs", "brief")
    p.until("no pods", lambda: not p.list("pods"))
    p.show("gone")


@scenario(*ALL)
def job_on_failure(p):
    """restartPolicy OnFailure: containers start again in the same pod."""
    p.create(job("again", "crash", restart="OnFailure", spec={"backoffLimit": 20}))
    p.until("a pod", lambda: len(p.pods()) == 1 and p.status("jobs", "again").get("active") == 1)
    p.show("one pod", "jobs")


@scenario(*ALL)
def job_manual_selector(p):
    made = job("own", "busy", spec={"manualSelector": True, "selector": {"matchLabels": {"app": "own"}}})
    p.create(made)
    p.until("active", lambda: p.status("jobs", "own").get("active") == 1)
    p.show("selected by hand")


@scenario(*ALL)
def job_work_queue(p):
    """No completions: any success ends it when all pods have ended."""
    p.create(job("queue", spec={"parallelism": 3}))
    p.until("complete", lambda: condition(p, "queue", "Complete"))
    p.show("complete")


@scenario(*ALL)
def job_pod_deleted(p):
    p.create(job("robust", "busy"))
    p.until("active", lambda: p.status("jobs", "robust").get("active") == 1 and p.pods())
    p.delete("pods", p.pods()[0]["metadata"]["name"])
    p.until("another", lambda: len(p.pods()) == 1)
    p.show("replaced")


@scenario(*ALL)
def job_orphans(p):
    p.create(job("parent", "busy", spec={"parallelism": 2}))
    p.until("active", lambda: p.status("jobs", "parent").get("active") == 2)
    p.delete("jobs", "parent", "Orphan")
    p.until_gone("jobs", "parent")
    p.show("orphans")


def cron(name, state, schedule="* * * * *", **spec):
    made = {"metadata": {"labels": {"made": "by-cron"}, "annotations": {"note": "x"}}, "spec": {"template": template(name, state)}}
    return {"kind": "CronJob", "metadata": {"name": name}, "spec": {"schedule": schedule, "jobTemplate": made, **spec}}


CRON = ("cronjobs", "jobs", "pods")


@scenario(*CRON, seconds=100)
def cronjob_life(p):
    p.create(cron("tick", "completed"))
    p.until("first", lambda: any(condition(p, j["metadata"]["name"], "Complete") for j in p.list("jobs")), 80)
    p.until("told", lambda: any(e["reason"] == "SawCompletedJob" for e in p.list("events")), 20)
    p.show("ran once")
    p.patch("cronjobs", "tick", {"spec": {"suspend": True}})
    p.show("suspended", "cronjobs")
    p.delete("cronjobs", "tick", "Background")
    p.until("all gone", lambda: not p.list("jobs") and not p.list("pods"))


@scenario(*CRON, seconds=100)
def cronjob_never_when_suspended(p):
    p.create(cron("still", "completed", suspend=True))
    time.sleep(65)
    p.show("nothing")


def two_minutes(p, name, policy):
    p.create(cron(name, "busy", concurrencyPolicy=policy))
    p.until("first", lambda: p.list("jobs"), 80)
    first = p.list("jobs")[0]["metadata"]["name"]
    time.sleep(62)
    p.show("a minute later", "cronjobs", "jobs")
    p.note("the first is there", p.get("jobs", first) is not None)


@scenario(*CRON, seconds=130)
def cronjob_forbid(p):
    two_minutes(p, "calm", "Forbid")


@scenario(*CRON, seconds=130)
def cronjob_replace(p):
    two_minutes(p, "fresh", "Replace")


@scenario(*CRON, seconds=130)
def cronjob_allow(p):
    two_minutes(p, "crowd", "Allow")


@scenario(*CRON, seconds=130)
def cronjob_history_limits(p):
    p.create(cron("short", "completed", successfulJobsHistoryLimit=0))
    p.until("first", lambda: p.status("cronjobs", "short").get("lastScheduleTime"), 80)
    p.until("no job is kept", lambda: not p.list("jobs") and not p.status("cronjobs", "short").get("active"), 30)
    p.show("none is kept")


@scenario(*CRON, seconds=100)
def cronjob_failing(p):
    made = cron("broken", "failed", failedJobsHistoryLimit=1)
    made["spec"]["jobTemplate"]["spec"]["backoffLimit"] = 0
    p.create(made)
    p.until("failed", lambda: any(condition(p, j["metadata"]["name"], "Failed") for j in p.list("jobs")), 80)
    p.until("told", lambda: any(e["reason"] == "SawCompletedJob" for e in p.list("events")), 20)
    p.show("kept")


@scenario(*CRON, seconds=30)
def cronjob_far_away(p):
    p.create(cron("yearly", "completed", schedule="0 0 1 1 *"))
    p.show("waits")
    status, answer = p.create(cron("wrong", "completed", schedule="61 * * * *"), may_fail=True)
    p.note("refused", status)
