package org.attune.cli.doctor;

import org.attune.agents.spec.RunTools;
import org.attune.datasets.rows.RowFiles;
import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.hub.HubSettings;
import org.attune.models.AddressSpace;
import org.attune.models.AvailableMemory;
import org.attune.reports.plot.MetricPlot;
import org.attune.reward.builtin.BuiltinRewards;
import org.attune.tensor.Engine;
import org.attune.trainers.report.Machine;
import org.attune.trainers.report.RunReporters;
import org.attune.trainers.report.Versions;

import java.awt.GraphicsEnvironment;
import java.io.File;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/// What a machine has for Attune and what it lacks. It reads files; [#reachability]
/// alone asks another machine.
///
/// @param root of the file system: `/`
/// @param environment the process's variables
record Examination(Path root, Map<String, String> environment) {
    private static final int JAVA = 25;
    private static final long GIB = 1L << 30;

    /// What the smallest of models takes, and what a model of some hundred million numbers does.
    private static final long LEAST_MEMORY = GIB;

    private static final long GOOD_MEMORY = 4 * GIB;
    private static final long GOOD_DISK = 5 * GIB;

    List<Finding> findings() {
        List<Finding> findings = new ArrayList<>();
        findings.add(Finding.ok("Attune", Versions.text()));
        findings.add(java());
        findings.add(maven());
        findings.add(processor());
        findings.add(kernels());
        findings.add(fonts());
        findings.add(providers());
        findings.add(memory());
        findings.add(addressSpace());
        findings.add(libtorch().finding());
        findings.add(gpu());
        findings.add(disk("disk here", Path.of("")));
        findings.add(disk("disk of the cache", hub().root()));
        findings.add(cache());
        findings.add(access());
        return findings;
    }

    /// Whether the Hub answers; the only finding for which another machine is asked.
    Finding reachability() {
        Optional<String> problem = settings().problem();
        return problem.isEmpty()
                ? Finding.ok("Hub", settings().endpoint() + " answers")
                : Finding.note("Hub", problem.get());
    }

    private Finding access() {
        HubSettings settings = settings();
        String text =
                "%s, %s%s"
                        .formatted(
                                settings.endpoint(),
                                settings.token().isPresent()
                                        ? "with a token"
                                        : "without a token: public repositories only",
                                settings.offline() ? "; offline by HF_HUB_OFFLINE" : "");
        return Finding.ok("Hub access", text);
    }

    private HubSettings settings() {
        return HubSettings.of(environment, Path.of(System.getProperty("user.home")));
    }

    private Finding java() {
        int version = Runtime.version().feature();
        String text = "%d in %s".formatted(version, System.getProperty("java.home"));
        return version >= JAVA
                ? Finding.ok("Java", text)
                : Finding.missing("Java", text + "; install JDK " + JAVA + " or newer");
    }

    private Finding maven() {
        for (String folder : environment.getOrDefault("PATH", "").split(File.pathSeparator)) {
            Path program = Path.of(folder.isEmpty() ? "." : folder, "mvn");
            if (Files.isExecutable(program)) {
                return Finding.ok("Maven", program.toString());
            }
        }
        return Finding.note("Maven", "no mvn on the PATH; only a build from source needs it");
    }

    private static Finding processor() {
        Machine machine = Machine.current();
        boolean known = machine.flags().contains("avx2") || machine.flags().contains("asimd");
        if (!known) {
            return Finding.note(
                    "processor",
                    machine.text() + "; without AVX2 or NEON, as far as the system tells: slow");
        }
        return Engine.hasFastBfloat16()
                ? Finding.ok("processor", machine.text() + "; multiplies bfloat16")
                : Finding.note(
                        "processor",
                        machine.text() + "; multiplies no bfloat16, so runs compute in float32");
    }

    private static Finding kernels() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
                        || System.getProperty("attune.directives") != null
                ? Finding.ok("kernels", "the Vector API is there")
                : Finding.note(
                        "kernels",
                        "the JVM was started without the Vector API: operators take the kernels'"
                                + " place; start by ./attune or with --add-modules"
                                + " jdk.incubator.vector");
    }

    /// Fonts are needed for `loss.png` and `reward.png` only.
    private static Finding fonts() {
        try {
            String[] names =
                    GraphicsEnvironment.getLocalGraphicsEnvironment()
                            .getAvailableFontFamilyNames(Locale.ROOT);
            return Finding.ok("fonts", names.length + " families, for loss.png and reward.png");
        } catch (RuntimeException | LinkageError e) {
            return Finding.note("fonts", MetricPlot.NO_FONTS);
        }
    }

    /// What the service loader finds; see docs/library.md.
    private static Finding providers() {
        try {
            return Finding.ok(
                    "class path",
                    "tools %s; rewards of jars: %s; rows of jars: %s; report_to: %s"
                            .formatted(
                                    String.join(", ", RunTools.kinds()),
                                    names(BuiltinRewards.kinds().keySet()),
                                    names(RowFiles.formats().keySet()),
                                    String.join(", ", RunReporters.names())));
        } catch (ConfigException e) {
            return Finding.note("class path", e.getMessage());
        }
    }

    private static String names(Set<String> names) {
        return names.isEmpty() ? "none" : String.join(", ", names);
    }

    private Finding memory() {
        OptionalLong free = new AvailableMemory(root).bytes();
        if (free.isEmpty()) {
            return Finding.note("memory", "the system doesn't tell how much is free");
        }
        String text =
                "%s can still be taken, of %.1f GiB in the machine; control groups and limits count"
                        .formatted(gib(free.getAsLong()), Machine.current().memoryGib());
        if (free.getAsLong() < LEAST_MEMORY) {
            return Finding.missing("memory", text + "; end other programs or raise the limit");
        }
        return free.getAsLong() < GOOD_MEMORY
                ? Finding.note("memory", text + "; enough for small models with LoRA")
                : Finding.ok("memory", text);
    }

    private Finding addressSpace() {
        var space = new AddressSpace(root);
        return space.limit().isEmpty()
                ? Finding.ok("address space", "no limit")
                : Finding.note("address space", space.hint());
    }

    private LibtorchExamination libtorch() {
        return new LibtorchExamination(environment);
    }

    private Finding gpu() {
        try {
            String driver = Files.readString(root.resolve("proc/driver/nvidia/version"));
            return Finding.note(
                    "GPU",
                    driver.lines().findFirst().orElse("NVIDIA")
                            + (libtorch().hasCuda()
                                    ? "; libtorch has CUDA"
                                    : "; the libtorch here is for processors, docs/cuda.md tells of"
                                            + " others"));
        } catch (IOException e) {
            return Finding.ok("GPU", "none that the system tells of; runs use the processor");
        }
    }

    private static Finding disk(String what, Path folder) {
        Path existing = existing(folder);
        try {
            FileStore store = Files.getFileStore(existing);
            String text = "%s free at %s".formatted(gib(store.getUsableSpace()), existing);
            if (!isWritable(folder)) {
                return Finding.note(what, text + ", where this user can't write");
            }
            return store.getUsableSpace() < GOOD_DISK
                    ? Finding.note(what, text + "; models and checkpoints may need more")
                    : Finding.ok(what, text);
        } catch (IOException e) {
            return Finding.note(what, existing + " can't be asked: " + e);
        }
    }

    private HubCache hub() {
        return HubCache.of(environment, Path.of(System.getProperty("user.home")));
    }

    private Finding cache() {
        Path folder = hub().root();
        if (!Files.isDirectory(folder)) {
            return Finding.ok("Hub cache", folder + ", not there yet");
        }
        try (Stream<Path> entries = Files.list(folder)) {
            List<String> names = entries.map(e -> e.getFileName().toString()).toList();
            return Finding.ok(
                    "Hub cache",
                    "%s with %d models and %d data sets"
                            .formatted(
                                    folder,
                                    names.stream().filter(n -> n.startsWith("models--")).count(),
                                    names.stream()
                                            .filter(n -> n.startsWith("datasets--"))
                                            .count()));
        } catch (IOException e) {
            return Finding.note("Hub cache", folder + " can't be read: " + e);
        }
    }

    static boolean isWritable(Path folder) {
        return Files.isWritable(existing(folder));
    }

    /// The folder, or the nearest above it that exists.
    private static Path existing(Path folder) {
        Path at = folder.toAbsolutePath();
        while (!Files.exists(at)) {
            at = at.getParent();
        }
        return at;
    }

    private static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / (double) GIB);
    }
}
