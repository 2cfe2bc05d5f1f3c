package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// `bench/gpu/first.sh` in small: the order of things, the tables, what a failure does. Python is a
/// stand-in, and so is Attune but for `load`.
@DisabledOnOs(OS.WINDOWS)
class FirstHourTest {
    private static final Path SCRIPTS =
            Path.of(System.getProperty("attune.root", ".."), "bench", "gpu").toAbsolutePath();

    @TempDir private Path folder;
    private String printed;

    @BeforeEach
    void prepare() throws IOException {
        script(
                "python",
                "echo \"python $*\" >> \"$calls\"",
                "echo 'RESULT {\"copied there, GB/s\": 2}'");
    }

    private Path calls() {
        return folder.resolve("calls");
    }

    private Path script(String name, String... lines) throws IOException {
        List<String> all = new ArrayList<>(List.of("#!/bin/sh", "calls='" + calls() + "'"));
        all.addAll(List.of(lines));
        Path file = Files.write(folder.resolve(name), all);
        assertTrue(file.toFile().setExecutable(true));
        return file;
    }

    /// Exit code of a stage on the simulated GPU.
    private int stage(String name, String... more) throws IOException, InterruptedException {
        Path output = folder.resolve(name + ".printed");
        List<String> command =
                new ArrayList<>(List.of("bash", SCRIPTS.resolve("first.sh").toString(), name));
        command.addAll(List.of("--small", "--python", folder.resolve("python").toString()));
        command.addAll(List.of(more));
        var builder =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile());
        builder.environment().put("ATTUNE", folder.resolve("attune").toString());
        builder.environment().put("JAVA", folder.resolve("java").toString());
        builder.environment().put("ATTUNE_LIBTORCH", "default");
        builder.environment().put("OUT", folder.resolve("out").toString());
        Process process = builder.start();
        assertTrue(process.waitFor(5, TimeUnit.MINUTES), "it takes too long");
        printed = Files.readString(output);
        return process.exitValue();
    }

    @Tag("thorough")
    @Test
    void loadMeasuresTheDeviceBesidePyTorch() throws Exception {
        String java =
                "exec '%s' --enable-native-access=ALL-UNNAMED --add-modules jdk.incubator.vector"
                        + " $ATTUNE_JAVA_OPTS -cp '%s' %s \"$@\"";
        script(
                "attune",
                java.formatted(
                        Path.of(System.getProperty("java.home"), "bin", "java"),
                        System.getProperty("java.class.path"),
                        Main.class.getName()));
        assertEquals(0, stage("load", "--device", "simulated"), () -> printed);
        assertTrue(printed.contains("device simulated, libtorch"), printed);
        String table = Files.readString(folder.resolve("out/load.md"));
        assertTrue(table.startsWith("|  | Attune | PyTorch | advantage |\n|---|"), table);
        assertTrue(
                table.matches("(?s).*\\| copied there, GB/s \\| [0-9.]+ \\| 2.000 \\|.*"), table);
        assertTrue(printed.endsWith("load: all went well\n"), printed);
    }

    @Test
    void speedMeasuresBesidePeft() throws Exception {
        script(
                "attune",
                "echo \"attune $*\" >> \"$calls\"",
                "echo \"options $ATTUNE_JAVA_OPTS\" >> \"$calls\"",
                "case $2 in table) echo '| work |'; echo '|---|'; shift 2; echo \"| $* |\" ;;"
                        + " esac");
        assertEquals(0, stage("speed", "--device", "simulated"), () -> printed);
        String calls = Files.readString(calls());
        String device = " --device auto --dtype bfloat16 --repeats 1 --peer ";
        assertTrue(calls.contains("attune bench sft --width 64"), calls);
        assertTrue(calls.contains("attune bench generate --width 64"), calls);
        assertTrue(calls.contains(device), calls);
        assertTrue(calls.contains(" --peer-program peft --peer-scripts " + SCRIPTS), calls);
        assertTrue(calls.contains("options -Dattune.device=simulated"), calls);
        String table = Files.readString(folder.resolve("out/speed.md"));
        assertTrue(table.contains("sft-small/result.json"), table);
        assertTrue(table.contains("generate-small/result.json"), table);
    }

    @Test
    void parityGoesOnAfterAFailureAndTells() throws Exception {
        script(
                "attune",
                "echo \"attune $*\" >> \"$calls\"",
                "case $* in *bfloat16*) echo broken; exit 3 ;; esac");
        assertEquals(1, stage("parity", "--device", "cpu"), () -> printed);
        String calls = Files.readString(calls());
        assertTrue(printed.contains("logits-bfloat16 FAILED with code 3; the log is "), printed);
        assertTrue(calls.contains("attune verify-model"), calls);
        assertTrue(calls.matches("(?s).*attune sft \\S+/sft.yaml device=cpu.*"), calls);
        assertTrue(calls.matches("(?s).*python \\S+/parity.py compare .*"), calls);
        assertTrue(printed.endsWith("parity: something failed, see above\n"), printed);
    }

    @Test
    void testsAreCounted() throws Exception {
        Path tests = SCRIPTS.getParent().getParent().resolve("target/attune-gpu/tests/lib");
        String[] said = {
            "echo '  [X] adds() expected 1'",
            "echo '[        12 tests successful      ]'",
            "echo '[         1 tests failed          ]'",
            "exit 1"
        };
        script("java", said);
        int code = stage("test", "--device", "simulated");
        assertEquals(1, code);
        if (!Files.isDirectory(tests)) {
            assertTrue(printed.contains("run bench/gpu/pack.sh"), printed);
            return;
        }
        assertTrue(printed.contains("[X] adds() expected 1"), printed);
        String table = Files.readString(folder.resolve("out/test.md"));
        assertTrue(table.contains("| successful | 12 |\n| failed | 1 |"), table);
    }

    @Test
    void otherWordsAreRefused() throws Exception {
        assertEquals(2, stage("all"));
        assertTrue(printed.contains("first.sh load"), printed);
        assertEquals(1, stage("load", "--device", "tpu"));
        assertTrue(
                printed.contains("--device is tpu; accepted: cuda, cuda:N, cpu, simulated"),
                printed);
        assertFalse(Files.exists(calls()));
    }
}
