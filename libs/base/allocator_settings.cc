// Settings of jemalloc for the programs that link it (opsmesh_allocator): it reads this name.
// Two arenas: most work is done by one thread, and many arenas cost memory that a small mesh does
// not otherwise need.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "narenas:2";
}
