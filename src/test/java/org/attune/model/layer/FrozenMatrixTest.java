package org.attune.model.layer;

import static org.attune.testing.RandomMatrices.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/// Weights in few bits: codes and numbers are bitsandbytes' to the bit, and products compute with
/// these numbers.
class FrozenMatrixTest {
    private static final Path RECORDED = Fixtures.own("src/test/resources/recorded/few-bits");
    private static final int IN = 448;
    private static final int OUT = 40;

    private static Tensor recorded(String name) {
        try (var file = SafeTensorsFile.open(RECORDED.resolve("bits.safetensors"));
                Arena arena = Arena.ofConfined()) {
            var entry = file.entries().get(name);
            return Tensor.ofMemory(
                    Device.cpu(), entry.dtype(), file.read(name, arena), entry.shape());
        }
    }

    private static String digest(Tensor tensor) {
        try {
            byte[] bytes = tensor.contiguous().memory().toArray(ValueLayout.JAVA_BYTE);
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Tensor decoded(FrozenMatrix matrix, DType dtype) {
        Tensor all = Tensor.empty(Device.cpu(), dtype, OUT, IN);
        matrix.decode(0, OUT, 0, IN, all, 0);
        return all;
    }

    @ParameterizedTest
    @EnumSource(
            value = Storage.class,
            names = {"INT8", "NF4", "NF4_DOUBLE", "FP4", "FP4_DOUBLE"})
    void codesAndNumbersAreThoseOfBitsandbytes(Storage storage) {
        JsonNode hashes = Recorded.json(RECORDED.resolve("hashes.json"));
        String name = storage.name().toLowerCase(Locale.ROOT);
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test")) {
                        FrozenMatrix matrix = FrozenMatrix.of(scope, recorded("weight"), storage);
                        assertEquals(
                                hashes.get(name + ".codes").textValue(),
                                digest(matrix.memory().getFirst()));
                        requireSizes(matrix, storage, name);
                        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
                            JsonNode hash =
                                    hashes.get(name + "." + dtype.name().toLowerCase(Locale.ROOT));
                            if (hash != null) {
                                assertEquals(hash.textValue(), digest(decoded(matrix, dtype)));
                            }
                        }
                    }
                });
    }

    /// Of sizes in a byte bitsandbytes takes on processors another level than the nearest now and
    /// then, which its kernels for GPUs don't.
    private static void requireSizes(FrozenMatrix matrix, Storage storage, String name) {
        byte[] expected = recorded(name + ".absmax").memory().toArray(ValueLayout.JAVA_BYTE);
        byte[] found = matrix.memory().get(1).memory().toArray(ValueLayout.JAVA_BYTE);
        if (!storage.isDouble()) {
            assertArrayEquals(expected, found);
            return;
        }
        int others = 0;
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], found[i], 1);
            others += expected[i] == found[i] ? 0 : 1;
        }
        assertTrue(others <= 4, others + " of " + expected.length);
        assertArrayEquals(
                recorded(name + ".nested_absmax").toFloats(), matrix.memory().get(2).toFloats());
        matrix.memory().get(1).copyInPlace(recorded(name + ".absmax"));
    }

    /// Parts of rows that begin within blocks and bytes are the same numbers.
    @ParameterizedTest
    @EnumSource(
            value = Storage.class,
            names = {"INT8", "NF4", "NF4_DOUBLE"})
    void anyPartOfARowIsDecodedAlike(Storage storage) {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test")) {
                        FrozenMatrix matrix = FrozenMatrix.of(scope, recorded("weight"), storage);
                        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
                            Tensor all = decoded(matrix, dtype);
                            for (int column : new int[] {0, 1, 37, 64, 127}) {
                                for (int count : new int[] {1, 33, 64, 320}) {
                                    Tensor some = Tensor.empty(Device.cpu(), dtype, 3, count + 5);
                                    matrix.decode(5, 2, column, count, some, 1);
                                    assertArrayEquals(
                                            all.narrow(0, 5, 2).narrow(1, column, count).toFloats(),
                                            some.narrow(0, 1, 2).narrow(1, 0, count).toFloats(),
                                            storage + " " + dtype + " " + column + " " + count);
                                }
                            }
                        }
                    }
                });
    }

    private static float[] product(FusedLinear layer, DType dtype, List<LowRank> updates) {
        layer.attachTrained(updates);
        layer.refreshTrained();
        int extra = layer.extra(Adapter.TRAINED);
        Tensor hx = Tensor.zeros(Device.cpu(), dtype, 9, IN + extra);
        hx.narrow(1, 0, IN).copyInPlace(random(1, 9, IN).to(dtype));
        Tensor y = layer.forward(hx, Adapter.TRAINED, Dropout.NONE);
        Tensor dx = layer.backward(random(2, 9, 2 * OUT).to(dtype), hx, Dropout.NONE);
        Tensor bare = Tensor.zeros(Device.cpu(), dtype, 9, IN + layer.extra(Adapter.OFF));
        bare.narrow(1, 0, IN).copyInPlace(hx.narrow(1, 0, IN));
        Tensor off = layer.forward(bare, Adapter.OFF, Dropout.NONE);
        return Tensor.cat(1, y.to(DType.FLOAT32), dx.to(DType.FLOAT32), off.to(DType.FLOAT32))
                .toFloats();
    }

    private static List<LowRank> updates(DType dtype) {
        return List.of(
                new LowRank(
                        1,
                        4,
                        2,
                        random(3, 4, IN).to(dtype),
                        random(4, OUT, 4).to(dtype),
                        Tensor.zeros(Device.cpu(), DType.FLOAT32, 4, IN),
                        Tensor.zeros(Device.cpu(), DType.FLOAT32, OUT, 4)));
    }

    /// A layer of two parts of different kinds beside a dense one with the same numbers.
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "BFLOAT16"})
    void productsAreThoseOfTheDecodedNumbers(DType dtype) {
        var parts =
                List.of(
                        new FusedLinear.Part("gate", 0, OUT, false),
                        new FusedLinear.Part("up", OUT, OUT, false));
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test")) {
                        var first = FrozenMatrix.of(scope, recorded("weight"), Storage.NF4_DOUBLE);
                        var second = FrozenMatrix.dense(scope, random(5, OUT, IN), dtype);
                        var panel = new DecodedPanel(scope, dtype);
                        var weights =
                                new LinearWeights(scope, IN, dtype, List.of(first, second), panel);
                        var coded = new FusedLinear(scope, parts, IN, Device.cpu(), dtype, weights);
                        var dense = new FusedLinear(scope, parts, IN, Device.cpu(), dtype, false);
                        for (int part = 0; part < 2; part++) {
                            dense.weight(part).copyInPlace(coded.weight(part));
                        }
                        float[] expected = product(dense, dtype, updates(dtype));
                        float[] found = product(coded, dtype, updates(dtype));
                        double largest = 0;
                        for (float number : expected) {
                            largest = Math.max(largest, Math.abs(number));
                        }
                        assertTrue(largest > 1);
                        double tolerance = dtype == DType.FLOAT32 ? 1e-5 : 1.0 / 64;
                        for (int i = 0; i < expected.length; i++) {
                            assertEquals(expected[i], found[i], largest * tolerance, "" + i);
                        }
                    }
                });
    }
}
