package org.attune.tensor.library;

import java.nio.file.Path;

/// The libtorch that this process has loaded.
///
/// @param version e.g. `2.7.1`, or `2.11.0+cu130` where its files tell the build
/// @param folder where its libraries are
/// @param origin what led there, e.g. `ATTUNE_LIBTORCH`, or `default`
/// @param hasShim whether lists go through its C functions, rather than all through DJL
/// @param cuda `loaded`, or why CUDA isn't
public record LoadedLibtorch(
        String version, Path folder, String origin, boolean hasShim, String cuda) {
    private static final String LOADED = "loaded";

    /// Whether libtorch's part for CUDA is loaded.
    public boolean hasCuda() {
        return cuda.equals(LOADED);
    }

    @Override
    public String toString() {
        return "%s in %s (%s), CUDA %s".formatted(version, folder, origin, cuda);
    }
}
