package org.attune.model.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.files.JsonFields;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;

/// Matrices in 8 bits are as near to the numbers as their codes and scales allow, and are read
/// back as they were written.
class CompressedWeightsTest {
    private static final int ROWS = 5;
    private static final int COLUMNS = 37;

    @TempDir Path folder;

    private static Source matrix(float[] values) {
        return new Source(
                "model.layers.0.mlp.up_proj.weight",
                DType.FLOAT32,
                new long[] {ROWS, COLUMNS},
                _ -> MemorySegment.ofArray(values));
    }

    /// All 256 codes are found again from their own numbers, and from anything nearer to them than
    /// to others.
    @Test
    void theNearestFloatOfEightBits() {
        float[] levels = new float[127];
        for (int i = 0; i < levels.length; i++) {
            levels[i] = level(i);
            assertEquals(i, CompressedWeights.float8(levels[i]));
            assertEquals((byte) (i == 0 ? 0 : i | 128), CompressedWeights.float8(-levels[i]));
        }
        for (int i = 1; i < levels.length; i++) {
            float middle = (levels[i - 1] + levels[i]) / 2;
            assertEquals(i % 2 == 0 ? i : i - 1, CompressedWeights.float8(middle), "even");
            assertEquals(i - 1, CompressedWeights.float8(Math.nextDown(middle)));
            assertEquals(i, CompressedWeights.float8(Math.nextUp(middle)));
        }
        assertEquals(126, CompressedWeights.float8(1e9f));
        assertEquals(127, CompressedWeights.float8(Float.NaN));
    }

    private static float level(int code) {
        int exponent = code >> 3;
        float mantissa = (code & 7) / 8f;
        return exponent == 0 ? Math.scalb(mantissa, -6) : Math.scalb(1 + mantissa, exponent - 7);
    }

    @ParameterizedTest
    @CsvSource({
        "INT8,FLOAT32",
        "INT8,BFLOAT16",
        "INT8,FLOAT16",
        "FLOAT8,FLOAT32",
        "FLOAT8,BFLOAT16"
    })
    void whatIsWrittenIsRead(DType codes, DType scales) {
        var random = new Random(3);
        float[] values = new float[ROWS * COLUMNS];
        for (int i = COLUMNS; i < values.length; i++) { // a row of zeros in front
            values[i] = (float) random.nextGaussian() * (1 << i / COLUMNS);
        }
        List<Source> tensors = CompressedWeights.of(matrix(values), codes, scales);
        assertEquals("model.layers.0.mlp.up_proj.weight_scale", tensors.getLast().name());
        Path file = folder.resolve("model.safetensors");
        SafeTensorsWriter.write(file, tensors);
        JsonFields config =
                JsonFields.parse(
                        "config.json",
                        "{\"quantization_config\": %s, \"model_type\": \"llama\"}"
                                .formatted(
                                        CompressedWeights.config(tensors, "", n -> n)
                                                .orElseThrow()));
        try (TensorFile read = QuantisedFolder.of(config, SafeTensorsFile.open(file));
                Arena arena = Arena.ofConfined()) {
            float[] decoded =
                    read.read(matrix(values).name(), arena).toArray(ValueLayout.JAVA_FLOAT);
            for (int row = 0; row < ROWS; row++) {
                float most = 0;
                for (int i = row * COLUMNS; i < (row + 1) * COLUMNS; i++) {
                    most = Math.max(most, Math.abs(values[i]));
                }
                for (int i = row * COLUMNS; i < (row + 1) * COLUMNS; i++) {
                    float step =
                            codes == DType.INT8
                                    ? most / 127.5f / 2
                                    : Math.max(Math.abs(values[i]) / 16, most / 448 / 1024);
                    float accepted = step * 1.01f + (scales == DType.FLOAT32 ? 0 : most / 256);
                    assertEquals(values[i], decoded[i], accepted, codes + " " + row + " " + i);
                }
            }
        }
    }

    /// compressed-tensors 0.20.1's keys, by hand; `bench/interop` compares with the library itself.
    @ParameterizedTest
    @CsvSource({"INT8,int,int-quantized", "FLOAT8,float,float-quantized"})
    void theConfigurationIsTheLibrarys(DType codes, String type, String format) {
        List<Source> tensors = new ArrayList<>();
        tensors.addAll(CompressedWeights.of(matrix(new float[0]), codes, DType.BFLOAT16));
        for (String name :
                List.of(
                        "model.embed_tokens",
                        "model.layers.0.mlp.gate",
                        "lm_head",
                        "visual.proj")) {
            tensors.add(new Source(name + ".weight", DType.BFLOAT16, new long[] {2, 2}, _ -> null));
        }
        tensors.add(new Source("model.norm.weight", DType.BFLOAT16, new long[] {2}, _ -> null));
        UnaryOperator<String> module = n -> n.replaceFirst("^visual", "model.visual");
        String numbers =
                "\"group_size\":null,\"num_bits\":8,\"symmetric\":true,\"type\":\"" + type + "\"";
        String expected =
                """
                {"config_groups":{"group_0":{"format":"FORMAT",
                "input_activations":{"dynamic":true,"strategy":"token",NUMBERS},
                "output_activations":null,"targets":["Linear"],
                "weights":{"dynamic":false,"strategy":"channel",NUMBERS}}},
                "format":"FORMAT","global_compression_ratio":null,
                "ignore":["lm_head","model.layers.0.mlp.gate","model.visual.proj","visual.proj"],"kv_cache_scheme":null,
                "quant_method":"compressed-tensors","quantization_status":"compressed",
                "version":"0.20.1"}\
                """
                        .replace("NUMBERS", numbers)
                        .replace("FORMAT", format);
        assertEquals(
                JsonFields.parse("expected", expected).toNode(),
                CompressedWeights.config(tensors, "model.embed_tokens", module).orElseThrow());
        assertTrue(CompressedWeights.config(tensors.subList(2, 6), "", n -> n).isEmpty());
    }
}
