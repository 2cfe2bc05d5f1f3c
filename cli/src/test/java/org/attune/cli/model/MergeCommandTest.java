package org.attune.cli.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.cli.Main;
import org.attune.models.DtypeChoice;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.policy.Policy;
import org.attune.tensor.Engine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Adapters of the embedded model are merged and combined, or nothing is left.
class MergeCommandTest {
    private static final String MODEL =
            Path.of(System.getProperty("attune.root", ".."), "examples", "model")
                    .toAbsolutePath()
                    .normalize()
                    .toString();

    @TempDir Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void adapters() {
        Engine.run(
                () -> {
                    adapter("a", 1);
                    adapter("b", 2);
                });
    }

    private void adapter(String name, long seed) {
        LoraConfig config =
                LoraConfig.of(4, 8, 0, new ModuleSelection.Names(List.of("q_proj", "up_proj")))
                        .with("test", Map.of("init_lora_weights", false));
        try (var loaded =
                        LoadedModel.open(
                                ModelConfig.of(MODEL)
                                        .withDevice("cpu")
                                        .withDtype(DtypeChoice.FLOAT32));
                var policy =
                        Policy.withFreshAdapter(
                                loaded.decoder(),
                                config,
                                RandomSource.XO_SHI_RO_256_PP.create(seed),
                                Policy.Options.defaults())) {
            policy.saveAdapter(folder.resolve(name), MODEL);
        }
    }

    private int run(String... arguments) {
        return Main.commandLine(new PrintWriter(out), new PrintWriter(err)).execute(arguments);
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void aMergedModelIsComparedBeforeItStands() throws IOException {
        String[] merge = {"merge", "-m", MODEL, "-a", path("a"), "-o", path("merged")};
        assertEquals(0, run(merge), err.toString());
        assertTrue(out.toString().contains("written; largest difference of logits"), "" + out);
        assertTrue(Files.exists(folder.resolve("merged/config.json")));
        assertEquals(1, run(merge)); // the folder isn't empty any more
        assertEquals(List.of("a", "b", "merged"), names());
    }

    @Test
    void nothingIsLeftOfAWrongModel() throws IOException {
        int code =
                run(
                        "merge",
                        "-m",
                        MODEL,
                        "-a",
                        path("a"),
                        "-o",
                        path("merged"),
                        "--dtype",
                        "bfloat16",
                        "--tolerance",
                        "1e-9");
        assertFalse(code == 0);
        assertTrue(err.toString().contains("isn't base and adapter"), err.toString());
        assertEquals(List.of("a", "b"), names());
    }

    @Test
    void adaptersAreCombined() throws IOException {
        String[] both = {
            "combine",
            path("a"),
            path("b"),
            "--weights",
            "0.7,-0.4",
            "--type",
            "cat",
            "-o",
            path("c")
        };
        assertEquals(0, run(both), err.toString());
        assertTrue(Files.readString(folder.resolve("c/adapter_config.json")).contains("\"r\": 8"));
        assertEquals(0, run("merge", "-m", MODEL, "-a", path("c"), "-o", path("m")), "" + err);
        assertEquals(1, run(both)); // the folder isn't empty any more
        assertEquals(
                2, run("combine", path("a"), "--weights", "1,2", "--type", "cat", "-o", path("d")));
        assertTrue(err.toString().contains("2 weights for 1 adapters"), err.toString());
        assertEquals(List.of("a", "b", "c", "m"), names());
    }
}
