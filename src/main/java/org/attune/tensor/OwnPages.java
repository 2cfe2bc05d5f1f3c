package org.attune.tensor;

/// Separate pages for large tensors, which go back to the kernel when the tensor dies: no gap
/// is left. Every page is paid for again ([Allocator] has the reasons against it), so this is for
/// tensors that live long and are costly to make. Where malloc isn't glibc's, nothing changes.
public final class OwnPages {
    private static final int LARGE = 1 << 20;
    private static final int SMALLER = 1 << 18;

    private OwnPages() {}

    /// Says whether tensors of more than 1 MiB that are made from now on get their own.
    public static void use(boolean own) {
        Allocator.mapFrom(own ? LARGE : Allocator.ONE_GIB);
    }

    /// Says whether tensors of more than 256 KiB that are made from now on get separate pages: for
    /// weights, of which a model has hundreds that stay. Memory that was kept ready is given back
    /// before, since they would take it. So each of them begins at the same place within a page in
    /// all processes.
    ///
    /// @param own until when
    public static void useForWeights(boolean own) {
        Allocator.keepRoom(!own);
        Allocator.mapFrom(own ? SMALLER : Allocator.ONE_GIB);
    }
}
