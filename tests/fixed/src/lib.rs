//! Tests in a memory whose initial size is its maximum. The build script says so to the linker, for every program of this package.
