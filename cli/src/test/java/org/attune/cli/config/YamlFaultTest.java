package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.trainers.sft.SftMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/// A run's file that can't be read, or is no YAML.
class YamlFaultTest {
    @TempDir Path dir;

    @ParameterizedTest
    @CsvSource({
        "'seed: 1\n\tbeta: 1\n', 2: not YAML: a tab",
        "'seed: 1\nrun_name: a: b\n', 2: not YAML: a ':' where none may be",
        "'seed: 1\nrun_name: \"abc\nbeta: 1\n', 2: not YAML: a quote is opened and never closed",
        "'lora_target_modules: [a, b\n', 1: not YAML: a list that begins with [",
        "'env: {a: b\n', 1: not YAML: a map that begins with {",
        "'run_name: @x\n', 1: not YAML: a character that can't begin a value",
        "'run_name: \"\\q\"\n', 1: not YAML: a backslash",
        "'? [a]\n: 1\n', 1: not YAML: a key that is a list or a map"
    })
    void syntaxIsExplained(String text, String message) throws IOException {
        String said = failure(text.getBytes(StandardCharsets.UTF_8));
        assertTrue(said.contains("run.yaml:" + message), said);
    }

    @Test
    void otherFilesAreToldApart() throws IOException {
        assertTrue(failure(dir).contains("it is a folder; a file is accepted"));
        assertTrue(failure(dir.resolve("no.yaml")).contains("there is no such file"));
        String binary = failure(new byte[] {'a', '\n', (byte) 0xff, 0});
        assertTrue(binary.contains("it is not UTF-8 text (byte 0xff in line 2)"), binary);
        String control = failure(new byte[] {'a', ':', ' ', 7, '\n'});
        assertTrue(control.contains("a control character"), control);
        String large = failure(("#" + "x".repeat(600 << 10)).getBytes(StandardCharsets.UTF_8));
        assertTrue(large.contains("more than 512 KiB"), large);
    }

    @Test
    void sizesTakeNoTime() {
        assertTimeoutPreemptively(
                Duration.ofSeconds(60),
                () -> {
                    String key = "? \"" + "k ".repeat(50_000) + "\"\n: 1\n";
                    String message = failure(key.getBytes(StandardCharsets.UTF_8));
                    assertTrue(message.contains("unknown key"), message);
                    assertTrue(message.length() < 2000, message);
                    String many = "k: 1\n".repeat(20_000);
                    String first = failure(many.getBytes(StandardCharsets.UTF_8));
                    assertTrue(first.startsWith("20002 problems, the first 50:"), first);
                    String deep = "a: " + "[".repeat(20_000);
                    String nested = failure(deep.getBytes(StandardCharsets.UTF_8));
                    assertTrue(nested.contains("nested more than 50 deep"), nested);
                    String digits = "max_steps: " + "9".repeat(400_000);
                    String number = failure(digits.getBytes(StandardCharsets.UTF_8));
                    assertTrue(number.contains("a whole number"), number);
                });
    }

    @Test
    void aByteOrderMarkIsNoPartOfAKey() throws IOException {
        Path file = Files.writeString(dir.resolve("run.yaml"), "\uFEFFseed: 3\n");
        var problems = new Problems();
        Settings run =
                Settings.read(
                        file,
                        List.of(),
                        new KeyForms(KeyTable.load(), List.of(new SftMethod())),
                        problems);
        assertEquals(List.of("seed"), List.copyOf(run.keys().keySet()));
    }

    private String failure(byte[] text) throws IOException {
        return failure(Files.write(dir.resolve("run.yaml"), text));
    }

    private static String failure(Path file) {
        return assertThrows(
                        ConfigException.class,
                        () -> new RunConfigReader().read(new SftMethod(), file, List.of()))
                .getMessage();
    }
}
