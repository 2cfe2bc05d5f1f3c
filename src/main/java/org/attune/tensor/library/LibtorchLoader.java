package org.attune.tensor.library;

import ai.djl.pytorch.jni.LibUtils;

import org.attune.error.ConfigException;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// Loads libtorch into the process, once.
@SuppressWarnings("restricted")
public final class LibtorchLoader {
    private static final String DRIVER = "libcuda.so.1";

    private LibtorchLoader() {}

    /// Whether the machine has CUDA's driver, without which nothing of CUDA works.
    public static boolean hasCudaDriver() {
        try (Arena arena = Arena.ofConfined()) {
            return SymbolLookup.libraryLookup(DRIVER, arena).find("cuInit").isPresent();
        } catch (IllegalArgumentException _) {
            return false; // the system finds no such library
        }
    }

    /// Loads what a search found; without anything found DJL unpacks and loads the one that Attune
    /// brings along.
    ///
    /// @throws ConfigException if it can't be loaded, or is of a version that can't be used
    public static LoadedLibtorch load(Optional<LibtorchFolder> found) {
        if (found.isEmpty()) {
            return djls("default");
        }
        LibtorchFolder folder = found.get();
        load(folder, "c10");
        load(folder, "torch_cpu");
        LibtorchVersion version = version(folder);
        if (version.isDjls()) {
            tellDjl(folder, version);
            return djls(folder.origin());
        }
        if (!version.hasStableShim()) {
            throw unusable(folder, "libtorch " + version);
        }
        return new LoadedLibtorch(
                folder.versionText().orElse(version.toString()),
                folder.folder(),
                folder.origin(),
                true,
                loadCuda(folder));
    }

    private static LoadedLibtorch djls(String origin) {
        var _ = ai.djl.engine.Engine.getEngine("PyTorch");
        boolean cuda = SymbolLookup.loaderLookup().find("aoti_torch_cuda_mm_out").isPresent();
        return new LoadedLibtorch(
                LibUtils.getVersion(),
                Path.of(LibUtils.getLibtorchPath()),
                origin,
                false,
                cuda ? "loaded" : "is not in this build");
    }

    /// DJL loads the same files once more, and its own library beside them.
    private static void tellDjl(LibtorchFolder folder, LibtorchVersion version) {
        System.setProperty("PYTORCH_LIBRARY_PATH", folder.folder().toString());
        System.setProperty("PYTORCH_VERSION", version.toString());
    }

    private static void load(LibtorchFolder folder, String library) {
        Path file = folder.library(library);
        try {
            System.load(file.toString());
        } catch (UnsatisfiedLinkError e) {
            throw new ConfigException(
                    ("%s (named by %s) can't be loaded: %s. A torch that pip installed needs the"
                                    + " packages that came with it beside it")
                            .formatted(file, folder.origin(), e.getMessage()),
                    e);
        }
    }

    private static String loadCuda(LibtorchFolder folder) {
        if (!Files.isRegularFile(folder.library("torch_cuda"))) {
            return "is not in this build";
        }
        if (!hasCudaDriver()) {
            return "is not loaded: there is no driver (libcuda.so.1)";
        }
        try {
            System.load(folder.library("c10_cuda").toString());
            System.load(folder.library("torch_cuda").toString());
            return "loaded";
        } catch (UnsatisfiedLinkError e) {
            return "can't be loaded: " + e.getMessage();
        }
    }

    private static LibtorchVersion version(LibtorchFolder folder) {
        MethodHandle version =
                SymbolLookup.loaderLookup()
                        .find("aoti_torch_abi_version")
                        .map(
                                symbol ->
                                        Linker.nativeLinker()
                                                .downcallHandle(
                                                        symbol,
                                                        FunctionDescriptor.of(
                                                                ValueLayout.JAVA_LONG)))
                        .orElseThrow(() -> unusable(folder, "a libtorch before 2.7"));
        try {
            return LibtorchVersion.ofAbi((long) version.invokeExact());
        } catch (Throwable t) {
            throw new IllegalStateException("libtorch can't be asked for its version", t);
        }
    }

    private static ConfigException unusable(LibtorchFolder folder, String what) {
        return new ConfigException(
                ("%s (named by %s) is %s, whose C functions take no lists. Attune uses libtorch"
                                + " 2.10 and newer, and 2.7.1, which it brings along")
                        .formatted(folder.folder(), folder.origin(), what));
    }
}
