package org.attune.cli.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.cli.Main;
import org.attune.error.ModelException;
import org.attune.model.source.GgufFileType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/// Models are written as GGUF files that compute the same, or nothing is left.
class ExportCommandTest {
    private static final Path ROOT =
            Path.of(System.getProperty("attune.root", "..")).toAbsolutePath().normalize();
    private static final String MODEL = ROOT.resolve("examples/model").toString();

    @TempDir Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        return Main.commandLine(new PrintWriter(out), new PrintWriter(err)).execute(arguments);
    }

    @Test
    void aFileIsWrittenAndReadAgain() throws IOException {
        Path target = folder.resolve("q8");
        int code = run("export", "-m", MODEL, "--gguf", "q8_0", "-o", target.toString());
        assertEquals(0, code, err.toString());
        assertTrue(out.toString().contains("likeliest token is the same"), out.toString());
        assertTrue(Files.size(target.resolve("model-q8_0.gguf")) > 1_000_000);
        assertEquals("FROM ./model-q8_0.gguf\n", Files.readString(target.resolve("Modelfile")));
        Path again = folder.resolve("again");
        String file = target.resolve("model-q8_0.gguf").toString();
        assertEquals(0, run("export", "-m", file, "--gguf", "q8_0", "-o", again.toString()));
        assertEquals(
                -1, // the numbers of blocks are on their grid
                Files.mismatch(
                        tail(target.resolve("model-q8_0.gguf")),
                        tail(again.resolve("model-q8_0-q8_0.gguf"))));
    }

    /// The tensors: names stand before them.
    private Path tail(Path file) throws IOException {
        byte[] all = Files.readAllBytes(file);
        byte[] end = Arrays.copyOfRange(all, all.length - 1_000_000, all.length);
        return Files.write(Files.createTempFile(folder, "tail", ""), end);
    }

    @Test
    void theRowsOfARunSayWhatCounts() throws IOException {
        Path rows = folder.resolve("rows.jsonl");
        Files.writeString(
                rows, "{\"prompt\": \"Sort ascending: 3 1 2\", \"completion\": \"1 2 3\"}\n");
        Path run = folder.resolve("run.yaml");
        Files.writeString(
                run,
                "model_name_or_path: %s\ndatasets: %s\noutput_dir: out\n".formatted(MODEL, rows));
        String with = folder.resolve("with").toString();
        String without = folder.resolve("without").toString();
        String[] all = {
            "export", "-m", MODEL, "--gguf", "q4_k_m", "-o", with, "--imatrix", "" + run
        };
        assertEquals(0, run(all), err.toString());
        assertEquals(0, run("export", "-m", MODEL, "--gguf", "q4_k_m", "-o", without));
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        String target = folder.resolve("no").toString();
        assertRefused("accepted: f32, f16", "export", "-m", MODEL, "--gguf", "q3", "-o", target);
        assertRefused(
                "--dtype", "export", "-m", MODEL, "--gguf", "f16", "--dtype", "float32", "-o",
                target);
        assertRefused(
                "--adapter-only needs", "export", "-m", MODEL, "--adapter-only", "-o", target);
        assertRefused(
                "--adapter-only needs --adapter",
                "export",
                "-m",
                MODEL,
                "--gguf",
                "f16",
                "--adapter-only",
                "-o",
                target);
        assertRefused(
                "--imatrix needs",
                "export",
                "-m",
                MODEL,
                "--gguf",
                "q8_0",
                "--imatrix",
                "x.yaml",
                "-o",
                target);
        assertFalse(Files.exists(folder.resolve("no")));
    }

    @ParameterizedTest
    @CsvSource({"int8, int-quantized, I8", "fp8, float-quantized, F8_E4M3"})
    void aFolderOfEightBitsIsWrittenAndReadAgain(String type, String format, String number)
            throws IOException {
        Path target = folder.resolve(type);
        String name = "--compressed-tensors";
        int code = run("export", "-m", MODEL, name, type, "-o", target.toString());
        assertEquals(0, code, err.toString());
        assertTrue(out.toString().contains("likeliest token is the same"), out.toString());
        String config = Files.readString(target.resolve("config.json"));
        assertTrue(config.contains(format), config);
        byte[] all = Files.readAllBytes(target.resolve("model.safetensors"));
        String header = new String(all, 8, 10_000, StandardCharsets.ISO_8859_1);
        String module = "\"model.layers.0.self_attn.q_proj.weight";
        assertTrue(header.contains(module + "\":{\"dtype\":\"" + number), header);
        assertTrue(header.contains(module + "_scale\":{\"dtype\":\"BF16\",\"shape\":[192,1]"));
        assertTrue(header.contains("\"model.embed_tokens.weight\":{\"dtype\":\"BF16\""));
        assertTrue(Files.exists(target.resolve("tokenizer.json")));
        String again = folder.resolve("again").toString();
        assertEquals(0, run("export", "-m", target.toString(), "-o", again), err.toString());
        String dense = Files.readString(Path.of(again, "config.json"));
        assertFalse(dense.contains("quantization_config"), dense);
    }

    @Test
    void eightBitsThatMakeNoSenseAreRefused() {
        String no = folder.resolve("no").toString();
        String name = "--compressed-tensors";
        assertRefused("accepted: int8, fp8", "export", "-m", MODEL, name, "int4", "-o", no);
        assertRefused(
                "one of the two", "export", "-m", MODEL, name, "int8", "--gguf", "f16", "-o", no);
        assertRefused(
                "--imatrix", "export", "-m", MODEL, name, "int8", "--imatrix", "x.yaml", "-o", no);
        assertFalse(Files.exists(folder.resolve("no")));
    }

    /// Recorded models that have experts in one tensor, and matrices of `Conv1D`.
    @ParameterizedTest
    @CsvSource({"gpt_oss, all experts of a block in one tensor", "gpt2, Conv1D"})
    void modelsWithoutAFormAreRefused(String family, String named) {
        String fixtures = System.getProperty("attune.fixtures", "");
        Path model = Path.of(fixtures, "engine/models", family);
        assumeTrue(!fixtures.isEmpty() && Files.exists(model), "no recorded models");
        String no = folder.resolve("no").toString();
        String name = "--compressed-tensors";
        assertRefused(named, "export", "-m", model.toString(), name, "int8", "-o", no);
        assertFalse(Files.exists(folder.resolve("no")));
    }

    private void assertRefused(String named, String... arguments) {
        assertTrue(run(arguments) != 0);
        assertTrue(err.toString().contains(named), err.toString());
    }

    @Test
    void otherLogitsAreAnotherModel() {
        float[] own = {1, 2, 3, 4};
        float[] close = {1.01f, 2, 3, 4};
        float[] other = {4, -3, 2, 1};
        new GgufCheck(own, close, 2).require(GgufFileType.F16);
        assertEquals(1, new GgufCheck(own, close, 2).agreement());
        assertTrue(new GgufCheck(own, own, 2).divergence() == 0);
        for (GgufFileType type : GgufFileType.values()) {
            var check = new GgufCheck(own, other, 2);
            assertThrows(ModelException.class, () -> check.require(type));
        }
        float[] bad = {1, Float.NaN, 3, 4};
        assertThrows(
                ModelException.class, () -> new GgufCheck(own, bad, 2).require(GgufFileType.Q4_0));
    }
}
