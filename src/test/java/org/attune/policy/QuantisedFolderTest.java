package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.Storage;
import org.attune.model.pass.Logits;
import org.attune.model.source.ModelSource;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.OptionalLong;

/// Folders of GPTQ, AWQ, FP8, compressed-tensors and MXFP4 hold the numbers that their libraries
/// decode. Made by `src/test/recorded/make_quantised.py`.
class QuantisedFolderTest {
    private static final Path FOLDER = Fixtures.own("src/test/resources/recorded/quantised");

    @ParameterizedTest
    @ValueSource(strings = {"gptq", "gptq-act", "gptq-8", "awq", "fp8", "pack", "int", "float"})
    void numbersAreThoseOfTheLibraryToTheBit(String name) throws NoSuchAlgorithmException {
        JsonFields hashes = JsonFields.read(FOLDER.resolve(name).resolve("hashes.json"));
        assertEquals(7, hashes.keys().size());
        try (var source = ModelSource.open(FOLDER.resolve(name).toString());
                Arena arena = Arena.ofConfined()) {
            for (String path : hashes.keys()) {
                byte[] numbers =
                        source.tensors()
                                .read(path + ".weight", arena)
                                .toArray(ValueLayout.JAVA_BYTE);
                byte[] hash = MessageDigest.getInstance("SHA-256").digest(numbers);
                assertEquals(hashes.text(path), HexFormat.of().formatHex(hash), path);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "gptq, 4.9",
        "gptq-act, 6.4",
        "gptq-8, 8.5",
        "awq, 4.9",
        "fp8, 8.2",
        "pack, 6.2",
        "int, 8.4",
        "float, 8.3",
        "mxfp4, 15"
    })
    void modelsComputeWithTheNumbersKeptOrDense(String name, double mostBits) {
        Path folder = FOLDER.resolve(name);
        for (Storage storage : new Storage[] {Storage.KEEP, Storage.NONE}) {
            FewBitsTest.with(
                    folder,
                    storage,
                    (source, decoder) -> {
                        try (var expected =
                                Recorded.tensors(folder.resolve("expected.safetensors"))) {
                            int length = (int) expected.shape("input_ids")[1];
                            var layout =
                                    RecordedModelsTest.layout(expected.ints("input_ids"), length);
                            assertClose(
                                    name + " " + storage,
                                    expected.floats("logits"),
                                    Logits.of(decoder, layout, Adapter.OFF).toFloats(),
                                    1e-4,
                                    1e-5);
                            assertTrue(
                                    Decoder.isStoredInFewBits(source.config(), source.tensors()));
                            assertEquals(storage == Storage.KEEP, decoder.storage().isPresent());
                            if (storage == Storage.KEEP) {
                                double bits = bits(decoder);
                                assertTrue(bits < mostBits, bits + " bits a number");
                            }
                        }
                    });
        }
    }

    private static double bits(Decoder decoder) {
        long bytes = 0;
        long numbers = 0;
        for (FusedLinear linear : decoder.linears()) {
            OptionalLong coded = linear.codedBytes();
            if (coded.isPresent()) {
                bytes += coded.getAsLong();
                numbers += (long) linear.out() * linear.in();
            }
        }
        return 8.0 * bytes / numbers;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "gptq | \"bits\": 4 | \"bits\": 3 | \"quantization_config.bits\" is 3; accepted: 4,"
                        + " 8",
                "gptq | \"sym\" | \"pack_dtype\": \"int16\", \"sym\" | pack_dtype\" is \"int16\"",
                "gptq | \"sym\" | \"checkpoint_format\": \"marlin\", \"sym\" | gptq, gptq_v2",
                "gptq | \"sym\" | \"dynamic\": {\"+:.*up_proj\": {\"bits\": 8}}, \"sym\" | begin"
                        + " with -:",
                "gptq | \"group_size\": 32 | \"group_size\": 64 | 64) by the group_size 64",
                "awq | \"gemm\" | \"gemv_fast\" | \"quantization_config.version\" is \"gemv_fast\"",
                "awq | \"bits\": 4 | \"bits\": 8 | \"quantization_config.bits\" is 8; accepted: 4",
                "fp8 | \"e4m3\" | \"e5m2\" | \"quantization_config.fmt\" is \"e5m2\"; accepted:"
                        + " e4m3",
                "fp8 | \"fp8\" | \"gptq\" | \"quantization_config.bits\" is missing",
                "fp8 | \"fp8\" | \"bitsandbytes\" | is in FP8, but has no scale",
                "pack | \"pack-quantized\" | \"marlin-24\" | \"quantization_config.format\" is"
                        + " \"marlin-24\"",
                "pack | \"num_bits\": 4 | \"num_bits\": 3 | group_0.weights.num_bits\" is 3;"
                        + " accepted: 4, 8",
                "pack | \"compressed\" | \"frozen\" | quantization_status\" is \"frozen\"",
                "int | \"ignore\" | \"transform_config\": {\"a\": 1}, \"ignore\" |"
                        + " transform_config",
                "int | \"ignore\" | \"sparsity_config\": {\"format\": \"x\"}, \"ignore\" |"
                        + " sparsity_config.format",
                "mxfp4 | \"mxfp4\" | \"hqq\" | quant_method hqq"
            })
    void whatIsNotReadIsRefusedByKeyAndValue(
            String name, String found, String put, String message, @TempDir Path folder)
            throws IOException {
        for (String file : new String[] {"config.json", "model.safetensors"}) {
            Files.copy(FOLDER.resolve(name).resolve(file), folder.resolve(file));
        }
        String config = Files.readString(folder.resolve("config.json"));
        assertTrue(config.contains(found), found);
        Files.writeString(folder.resolve("config.json"), config.replace(found, put));
        var e =
                assertThrows(
                        ModelException.class,
                        () -> {
                            try (var source = ModelSource.open(folder.toString())) {
                                source.tensors();
                            }
                        });
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    /// Files of GPTQ may have a bias with each matrix, of zeros where the model has none.
    @Test
    void aBiasThatNothingReadsMayBeZerosAlone(@TempDir Path folder) throws IOException {
        Path from = FOLDER.resolve("gptq");
        Files.copy(from.resolve("config.json"), folder.resolve("config.json"));
        String name = "model.layers.0.mlp.down_proj.bias";
        for (float value : new float[] {0, 1}) {
            try (var file = SafeTensorsFile.open(from)) {
                var tensors = new ArrayList<SafeTensorsWriter.Source>();
                file.entries()
                        .values()
                        .forEach(e -> tensors.add(SafeTensorsWriter.Source.copyOf(file, e)));
                tensors.add(
                        new SafeTensorsWriter.Source(
                                name,
                                DType.FLOAT32,
                                new long[] {1},
                                arena -> arena.allocateFrom(ValueLayout.JAVA_FLOAT, value)));
                SafeTensorsWriter.write(folder.resolve("model.safetensors"), tensors);
            }
            if (value == 0) {
                load(folder);
            } else {
                var e = assertThrows(ModelException.class, () -> load(folder));
                assertTrue(e.getMessage().contains(name), e.getMessage());
            }
        }
    }

    private static void load(Path folder) {
        Engine.run(
                () -> {
                    try (var source = ModelSource.open(folder.toString())) {
                        Decoder.load(
                                        source.config(),
                                        source.tensors(),
                                        Device.cpu(),
                                        DType.FLOAT32,
                                        Storage.KEEP)
                                .close();
                    }
                });
    }

    @Test
    void columnsOfNoGroupAreRefused(@TempDir Path folder) throws IOException {
        Path from = FOLDER.resolve("gptq-act");
        Files.copy(from.resolve("config.json"), folder.resolve("config.json"));
        byte[] bytes = Files.readAllBytes(from.resolve("model.safetensors"));
        String header = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
        int at = header.indexOf("g_idx\"");
        int begin = header.indexOf("data_offsets\":[", at) + "data_offsets\":[".length();
        int offset = Integer.parseInt(header.substring(begin, header.indexOf(',', begin)));
        bytes[8 + (bytes[0] & 255) + ((bytes[1] & 255) << 8) + offset] = 77;
        Files.write(folder.resolve("model.safetensors"), bytes);
        var e = assertThrows(ModelException.class, () -> ModelSource.open(folder.toString()));
        assertTrue(e.getMessage().contains("groups from 0 to"), e.getMessage());
    }
}
