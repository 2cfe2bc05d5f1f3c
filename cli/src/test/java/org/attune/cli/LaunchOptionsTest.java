package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.tensor.VectorKernels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

import javax.management.ObjectName;

/// How `./attune` starts the JVM: with kernels and their directives, and in silence.
@DisabledOnOs(OS.WINDOWS)
class LaunchOptionsTest {
    private static final Path OPTIONS =
            Path.of(System.getProperty("attune.root", ".."))
                    .toAbsolutePath()
                    .resolve("cli/src/main/dist");

    private static final String CLASS_PATH = System.getProperty("java.class.path");

    @TempDir private Path folder;

    private record Start(int code, String out, String err) {}

    /// Runs the probe as the launcher would.
    private Start start(Path launch, String classPath, String... options) throws Exception {
        String script = ". \"$0\"; exec \"$1\" \"${jvm_options[@]}\" \"${@:2}\"";
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var command = new ArrayList<>(List.of("bash", "-c", script, launch + "/launch.conf", java));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", classPath, Probe.class.getName()));
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        Process process =
                new ProcessBuilder(command)
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
        return new Start(process.waitFor(), Files.readString(out), Files.readString(err));
    }

    /// What a started program finds.
    static final class Probe {
        private Probe() {}

        public static void main(String[] args) throws Exception {
            System.out.println("kernels " + VectorKernels.isAvailable());
            String directives =
                    (String)
                            ManagementFactory.getPlatformMBeanServer()
                                    .invoke(
                                            new ObjectName(
                                                    "com.sun.management:type=DiagnosticCommand"),
                                            "compilerDirectivesPrint",
                                            null,
                                            null);
            System.out.println("directives " + directives.contains("DroppedProduct"));
        }
    }

    private static void assertSilent(Start start) {
        assertEquals(new Start(0, "kernels true\ndirectives true\n", ""), start);
    }

    @Test
    void kernelsAndTheirDirectivesAreThereAndNothingIsSaid() throws Exception {
        assertSilent(start(OPTIONS, CLASS_PATH));
    }

    /// Neither while an archive of classes is made, nor when it is used, nor when it is damaged.
    @Tag("thorough")
    @Test
    void anArchiveOfClassesIsNotTalkedAbout() throws Exception {
        String jars = jars();
        Path archive = folder.resolve("classes.jsa");
        String file = "-XX:SharedArchiveFile=" + archive;
        assertSilent(start(OPTIONS, jars, "-XX:+AutoCreateSharedArchive", file));
        assertTrue(Files.exists(archive));
        assertSilent(start(OPTIONS, jars, file));
        Files.writeString(archive, "damaged");
        assertSilent(start(OPTIONS, jars, file));
    }

    /// An archive takes classes from jars only.
    private String jars() throws IOException {
        List<String> places = new ArrayList<>();
        for (String place : CLASS_PATH.split(File.pathSeparator)) {
            Path path = Path.of(place);
            if (Files.isDirectory(path)) {
                Path jar = folder.resolve(places.size() + ".jar");
                try (var out = new JarOutputStream(Files.newOutputStream(jar));
                        Stream<Path> files = Files.walk(path)) {
                    for (Path file : files.filter(Files::isRegularFile).toList()) {
                        out.putNextEntry(new JarEntry(path.relativize(file).toString()));
                        Files.copy(file, out);
                    }
                }
                places.add(jar.toString());
            } else {
                places.add(place);
            }
        }
        return String.join(File.pathSeparator, places);
    }

    @Test
    void theLaunchersFolderMayHaveAnyName() throws Exception {
        Path copy = Files.createDirectory(folder.resolve("a folder's name"));
        for (String file : List.of("launch.conf", "compiler.json")) {
            Files.copy(OPTIONS.resolve(file), copy.resolve(file));
        }
        assertSilent(start(copy, CLASS_PATH));
    }

    @ParameterizedTest
    @CsvSource({
        "sft run.yaml --ranks 2, 1",
        "sft run.yaml --ranks=2, 1",
        "sft run.yaml output_dir=--ranks2, 0",
        "sft run.yaml, 0"
    })
    void theProcessThatStartsRanksIsSmall(String arguments, int small) throws Exception {
        String script =
                ". \"$0/launch.conf\"; use_archive \"$1\" $2; printf '%s\\n' \"${jvm_options[@]}\"";
        Process process =
                new ProcessBuilder("bash", "-c", script, OPTIONS.toString(), "none", arguments)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(small, said.lines().filter("-Xmn3m"::equals).count(), said);
    }

    /// What the JVM has to say when it can't start is not lost.
    @Test
    void realErrorsAreShown() throws Exception {
        Start start = start(OPTIONS, CLASS_PATH, "-Xmx4000000g");
        assertTrue(start.code() != 0);
        assertTrue(start.err().contains("heap"), start.toString());
    }
}
