package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.Main;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

import javax.tools.ToolProvider;

/// A jar of the classes in `examples/providers`, beside Attune on the class path, brings a reward,
/// a tool and a kind of file. They are asked in another JVM, which a jar reaches as a user's does.
@Tag("thorough")
final class ProvidersTest {
    private static final Path EXAMPLES =
            Path.of(System.getProperty("attune.root", "..")).toAbsolutePath().resolve("examples");

    private static final int LONGEST = 30;

    @TempDir static Path folder;

    private static String said;

    private static Path jar() throws IOException {
        Path sources = EXAMPLES.resolve("providers");
        Path classes = folder.resolve("classes");
        var arguments = new ArrayList<>(List.of("-proc:none", "-Xlint:all", "-Werror", "-d"));
        arguments.add(classes.toString());
        for (Path source : files(sources, ".java")) {
            int lines = Files.readAllLines(source).size();
            assertTrue(lines <= LONGEST, source + " has " + lines + " lines");
            arguments.add(source.toString());
        }
        assertEquals(
                0,
                ToolProvider.getSystemJavaCompiler()
                        .run(null, null, null, arguments.toArray(String[]::new)));
        Path jar = folder.resolve("own.jar");
        try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (Path file : files(classes, ".class")) {
                put(out, classes.relativize(file), file);
            }
            for (Path file : files(sources.resolve("META-INF"), "")) {
                put(out, sources.relativize(file), file);
            }
        }
        return jar;
    }

    @BeforeAll
    static void askAnotherJvm() throws Exception {
        Path jar = jar();
        Files.writeString(
                folder.resolve("sums.ini"),
                """
                [first]
                prompt = Sort ascending: 2 1

                [second]
                prompt = Sort ascending: 4 3
                """);
        Files.writeString(
                folder.resolve("run.yaml"),
                """
                model_name_or_path: %s
                datasets: sums.ini
                apply_chat_template: true
                output_dir: %s
                tools: {name: dice, sides: 20}
                tool_protocol: line
                reward_funcs: [brevity, {name: brevity, limit: 3, label: short}]
                use_peft: true
                lora_r: 2
                dtype: float32
                per_device_train_batch_size: 4
                num_generations: 2
                max_completion_length: 8
                max_steps: 1
                logging_steps: 1
                save_strategy: "no"
                """
                        .formatted(EXAMPLES.resolve("model"), folder.resolve("out")));
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1"));
        command.addAll(List.of("-Xmx1g", "-cp"));
        command.add(System.getProperty("java.class.path") + File.pathSeparator + jar);
        command.addAll(List.of(Asked.class.getName(), folder.resolve("run.yaml").toString()));
        command.add(Files.writeString(folder.resolve("sums.inj"), "").toString());
        Process asked = new ProcessBuilder(command).redirectErrorStream(true).start();
        said = new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, asked.waitFor(), said);
    }

    private static List<Path> files(Path folder, String ending) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> file.toString().endsWith(ending))
                    .sorted()
                    .toList();
        }
    }

    private static void put(JarOutputStream out, Path name, Path file) throws IOException {
        out.putNextEntry(new JarEntry(name.toString().replace(File.separatorChar, '/')));
        Files.copy(file, out);
        out.closeEntry();
    }

    /// Calls commands, with a line between them.
    static final class Asked {
        private Asked() {}

        static void main(String[] args) {
            List<List<String>> calls =
                    List.of(
                            List.of("doctor"),
                            List.of("preview", args[0], "--method", "grpo"),
                            List.of("grpo", args[0]),
                            List.of("grpo", args[0], "reward_funcs=brevty"),
                            List.of("grpo", args[0], "tools=dise"),
                            List.of("grpo", args[0], "datasets=" + args[1]),
                            List.of("grpo", args[0], "reward_funcs={name: brevity, limt: 3}"));
            for (List<String> call : calls) {
                int code = Main.run(call.toArray(String[]::new));
                System.out.println("code " + code);
            }
        }
    }

    private static void assertSaid(String text) {
        assertTrue(said.contains(text), () -> text + " is not in\n" + said);
    }

    @Test
    void doctorListsThem() {
        assertSaid("rewards of jars: brevity; rows of jars: ini; report_to: none");
        assertTrue(said.matches("(?s).*class path +tools .*\\bdice\\b.*"), said);
    }

    @Test
    void aRunUsesThem() throws IOException {
        assertSaid("Sort ascending: 4 3"); // previewed, as is the tool
        assertSaid("Rolls a die of 20 sides.");
        String metrics = Files.readString(folder.resolve("out/metrics.jsonl"));
        assertTrue(metrics.contains("\"rewards/brevity/mean\":"), metrics);
        assertTrue(metrics.contains("\"rewards/short/mean\":"), metrics);
    }

    @Test
    void namesThatAreWrongListThem() {
        assertSaid("reward \"brevty\" is unknown, did you mean \"brevity\"?");
        assertSaid("there are no tools called \"dise\", did you mean \"dice\"?");
        assertSaid("reward \"brevity\": \"limt\" is no parameter, did you mean \"limit\"?");
        assertSaid("and by jars on the class path .ini");
    }
}
