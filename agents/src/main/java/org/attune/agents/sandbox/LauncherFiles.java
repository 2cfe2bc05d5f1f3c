package org.attune.agents.sandbox;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;

/// The launcher's classes as a small jar, with an archive that makes its JVM start in half the
/// time. In a temporary folder of a run.
final class LauncherFiles implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(LauncherFiles.class);
    private static final int ARCHIVE_SECONDS = 30;
    private static final List<Class<?>> CLASSES =
            List.of(
                    CallFilter.class,
                    Guarantee.class,
                    JailException.class,
                    JailLauncher.class,
                    JailPlan.class,
                    JailPlan.Limits.class,
                    JailProbe.class,
                    JailProbe.Escape.class,
                    JailStep.class,
                    Kernel.class,
                    Landlock.class,
                    Machine.class);

    private final Path folder;
    private final Path jar;
    private final Path archive;

    private LauncherFiles(Path folder) {
        this.folder = folder;
        this.jar = folder.resolve("jail.jar");
        this.archive = folder.resolve("jail.jsa");
    }

    static LauncherFiles write() throws IOException {
        var files = new LauncherFiles(Files.createTempDirectory("attune-jail-"));
        files.writeJar();
        files.writeArchive();
        return files;
    }

    Path jar() {
        return jar;
    }

    private void writeJar() throws IOException {
        try (OutputStream file = Files.newOutputStream(jar);
                var out = new JarOutputStream(file)) {
            for (Class<?> type : CLASSES) {
                String name = type.getName().replace('.', '/') + ".class";
                try (InputStream in = type.getClassLoader().getResourceAsStream(name)) {
                    out.putNextEntry(new JarEntry(name));
                    in.transferTo(out);
                }
            }
        }
    }

    /// Runs a launcher that finds no program, so that the JVM writes what it has loaded.
    private void writeArchive() throws IOException {
        var command = new ArrayList<>(java());
        command.add("-XX:ArchiveClassesAtExit=" + archive);
        command.addAll(main(JailLauncher.class));
        Process process = prepared(command).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        try (var out = new DataOutputStream(process.getOutputStream())) {
            var plan =
                    new JailPlan(
                            "",
                            folder.toString(),
                            List.of(),
                            List.of(folder.resolve("none").toString()),
                            List.of(),
                            EnumSet.noneOf(JailStep.class),
                            0,
                            new JailPlan.Limits(0, 0, 0, 0, 0, true));
            plan.write(out);
        }
        try {
            if (!process.waitFor(ARCHIVE_SECONDS, TimeUnit.SECONDS)) {
                log.debug("the launcher's archive isn't made within {} s", ARCHIVE_SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            process.destroyForcibly();
        }
    }

    /// A launcher that waits for its plan.
    ProcessBuilder launcher() {
        var command = new ArrayList<>(java());
        if (Files.exists(archive)) {
            command.add("-XX:SharedArchiveFile=" + archive);
        }
        command.addAll(main(JailLauncher.class));
        return prepared(command);
    }

    /// The probe, as a program for a jail.
    List<String> probe(String... arguments) {
        var command = new ArrayList<>(java());
        command.add("-XX:MaxDirectMemorySize=4g");
        command.addAll(main(JailProbe.class));
        command.addAll(List.of(arguments));
        return command;
    }

    private static ProcessBuilder prepared(List<String> command) {
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().clear();
        return builder;
    }

    private static List<String> java() {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                "-XX:ReservedCodeCacheSize=16m",
                "-XX:CompressedClassSpaceSize=16m",
                "-Xmx32m",
                "-Xlog:disable",
                "-Xlog:all=off");
    }

    private List<String> main(Class<?> type) {
        return List.of("-cp", jar.toString(), type.getName());
    }

    /// Deletes the files.
    @Override
    public void close() {
        for (Path file : List.of(jar, archive, folder)) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                log.debug("{} can't be deleted", file, e);
            }
        }
    }
}
