// Empty: it only serves to compile the precompiled header (see CMakeLists.txt).
