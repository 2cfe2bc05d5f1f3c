package org.attune.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.LinkedHashMap;
import java.util.Map;

/// Settings that native libraries read from the environment when they are loaded. What the user
/// has set stays.
final class NativeSettings {
    private static final Map<String, String> SETTINGS = new LinkedHashMap<>();

    static {
        // A product of new shape leaves up to 300 KiB in each of these caches, 1024 entries unless
        // told otherwise: real data has ever new shapes, and what stays cuts the heap to pieces.
        SETTINGS.put("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256");
        SETTINGS.put("LRU_CACHE_CAPACITY", "256");
        // OpenMP's threads spin while they wait, 300,000 rounds unless told otherwise. As soon as
        // anything else wants the cores that costs 10 to 20 times the run's speed; without any
        // spinning a quiet machine loses a tenth.
        SETTINGS.put("OMP_WAIT_POLICY", "PASSIVE");
        SETTINGS.put("GOMP_SPINCOUNT", "50000");
    }

    private NativeSettings() {}

    /// Must run before libtorch is loaded. Does nothing on systems without `setenv`.
    @SuppressWarnings("restricted")
    static void apply() {
        var linker = Linker.nativeLinker();
        var symbol = linker.defaultLookup().find("setenv");
        if (symbol.isEmpty()) {
            return;
        }
        MethodHandle setenv =
                linker.downcallHandle(
                        symbol.get(),
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT,
                                ValueLayout.ADDRESS,
                                ValueLayout.ADDRESS,
                                ValueLayout.JAVA_INT));
        try (Arena arena = Arena.ofConfined()) {
            for (var setting : SETTINGS.entrySet()) {
                int _ =
                        (int)
                                setenv.invokeExact(
                                        arena.allocateFrom(setting.getKey()),
                                        arena.allocateFrom(setting.getValue()),
                                        0);
            }
        } catch (Throwable t) {
            throw new IllegalStateException("setenv could not be called", t);
        }
    }
}
