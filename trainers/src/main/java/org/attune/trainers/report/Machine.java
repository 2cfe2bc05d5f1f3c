package org.attune.trainers.report;

import com.sun.management.OperatingSystemMXBean;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// Where a run or a benchmark ran.
///
/// @param cpu model name
/// @param family of the processor and its model number, which tell generations apart where the name
///     doesn't
/// @param cores that this process sees
/// @param memoryGib of the machine
/// @param flags instruction sets that products and kernels use
/// @param os name and version
/// @param load mean number of running programs in the minute before; negative: unknown. Well above
///     zero, the figures are those of a busy machine
public record Machine(
        String cpu,
        String family,
        int cores,
        double memoryGib,
        List<String> flags,
        String os,
        double load) {
    private static final List<String> USED =
            List.of("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd");

    public Machine {
        flags = List.copyOf(flags);
    }

    /// This one.
    public static Machine current() {
        List<String> info = cpuInfo();
        List<String> flags = List.of(field(info, "flags", "Features").split(" "));
        double memory =
                ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
                        ? system.getTotalMemorySize() / (double) (1L << 30)
                        : 0;
        return new Machine(
                field(info, "model name", "CPU part"),
                "family %s, model %s".formatted(field(info, "cpu family"), field(info, "model")),
                Runtime.getRuntime().availableProcessors(),
                Math.round(10 * memory) / 10.0,
                USED.stream().filter(flags::contains).toList(),
                System.getProperty("os.name") + " " + System.getProperty("os.version"),
                ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    }

    private static List<String> cpuInfo() {
        try {
            return Files.readAllLines(Path.of("/proc/cpuinfo"));
        } catch (IOException e) {
            return List.of(); // not Linux
        }
    }

    private static String field(List<String> info, String... names) {
        return Stream.of(names)
                .flatMap(
                        name ->
                                info.stream()
                                        .filter(line -> line.split(":")[0].strip().equals(name)))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst()
                .orElse("unknown");
    }

    /// The machine in a line for a reader.
    public String text() {
        return "%d cores of %s (%s; %s), %.1f GiB, %s"
                .formatted(cores, cpu, family, String.join(" ", flags), memoryGib, os);
    }
}
