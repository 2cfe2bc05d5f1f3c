package org.attune.files.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.tensor.DType;
import org.attune.testing.TensorValues;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

class SafeTensorsFileTest {
    @TempDir Path folder;

    @Test
    void whatIsWrittenReadsBack() {
        Path file = folder.resolve("model.safetensors");
        SafeTensorsWriter.write(
                file,
                List.of(
                        floats("a", new long[] {2, 3}, 1, 2, 3, 4, 5, -0f),
                        floats("empty", new long[] {0, 4}),
                        floats("scalar", new long[0], 7),
                        source("bytes", DType.UINT8, new long[] {3}, new byte[] {1, 2, 3})));
        try (SafeTensorsFile read = SafeTensorsFile.open(folder)) {
            assertEquals(Map.of("format", "pt"), read.metadata());
            assertEquals(4, read.entries().size());
            assertArrayEquals(new long[] {2, 3}, read.entries().get("a").shape());
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, -0f}, TensorValues.floats(read, "a"));
            assertEquals(0, TensorValues.floats(read, "empty").length);
            assertArrayEquals(new float[] {7}, TensorValues.floats(read, "scalar"));
            assertArrayEquals(new long[] {1, 2, 3}, TensorValues.integers(read, "bytes"));
        }
    }

    @Test
    void dataBeginAtAMultipleOfEight() throws IOException {
        for (String name : List.of("a", "ab", "abc", "ü")) {
            Path file = folder.resolve("aligned.safetensors");
            SafeTensorsWriter.write(file, List.of(floats(name, new long[] {1}, 1)));
            long header =
                    ByteBuffer.wrap(Files.readAllBytes(file))
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .getLong(0);
            assertEquals(0, header % 8);
            assertEquals(8 + header + 4, Files.size(file));
        }
    }

    @Test
    void shardsAreOneFile() throws IOException {
        SafeTensorsWriter.write(
                folder.resolve("x.safetensors"), List.of(floats("a", new long[] {1}, 1)));
        SafeTensorsWriter.write(
                folder.resolve("y.safetensors"),
                List.of(floats("b", new long[] {1}, 2), floats("extra", new long[] {1}, 3)));
        index("{\"a\":\"x.safetensors\",\"b\":\"y.safetensors\"}");
        try (SafeTensorsFile read = SafeTensorsFile.open(folder)) {
            assertArrayEquals(new float[] {1}, TensorValues.floats(read, "a"));
            assertArrayEquals(new float[] {2}, TensorValues.floats(read, "b"));
        }
    }

    @Test
    void indexesThatLieAreRefused() throws IOException {
        SafeTensorsWriter.write(
                folder.resolve("x.safetensors"), List.of(floats("a", new long[] {1}, 1)));
        refusesIndex("{\"b\":\"x.safetensors\"}", "which doesn't hold it");
        refusesIndex("{\"a\":\"missing.safetensors\"}", "does not exist");
        refusesIndex("{\"a\":\"../x.safetensors\"}", "weight_map.a\" is \"../x");
        refusesIndex("{\"a\":1}", "a string");
    }

    @Test
    void indexesReachNoFileOutsideTheirFolder() throws IOException {
        SafeTensorsWriter.write(
                folder.resolve("x.safetensors"), List.of(floats("a", new long[] {1}, 1)));
        Path inside = Files.createDirectory(folder.resolve("inside"));
        String outside = folder.resolve("x.safetensors").toString().replace("\\", "/");
        for (String name :
                List.of(
                        "x\\u0000.safetensors",
                        "\\u0000",
                        "",
                        ".",
                        "..",
                        "../x.safetensors",
                        "..\\\\x.safetensors",
                        outside,
                        "model.safetensors.index.json",
                        "sub/../../x.safetensors")) {
            Path index = inside.resolve("model.safetensors.index.json");
            Files.writeString(index, "{\"weight_map\":{\"a\":\"" + name + "\"}}");
            var error = assertThrows(ModelException.class, () -> SafeTensorsFile.open(inside));
            assertTrue(
                    error.getMessage().startsWith(index + ": \"weight_map.a\" is "),
                    error.getMessage());
        }
        Files.createDirectory(inside.resolve("folder.safetensors"));
        Files.writeString(
                inside.resolve("model.safetensors.index.json"),
                "{\"weight_map\":{\"a\":\"folder.safetensors\"}}");
        var error = assertThrows(ModelException.class, () -> SafeTensorsFile.open(inside));
        assertTrue(error.getMessage().contains("folder.safetensors"), error.getMessage());
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        Path file = folder.resolve("whole.safetensors");
        SafeTensorsWriter.write(
                file, List.of(floats("a", new long[] {2}, 1, 2), floats("b", new long[] {1}, 3)));
        byte[] whole = Files.readAllBytes(file);
        Path cut = folder.resolve("cut.safetensors");
        for (int length = 0; length < whole.length; length++) {
            Files.write(cut, Arrays.copyOf(whole, length));
            var error = assertThrows(ModelException.class, () -> SafeTensorsFile.open(cut));
            assertTrue(error.getMessage().startsWith(cut.toString()), error.getMessage());
        }
    }

    @Test
    void hostileHeadersAreRefused() throws IOException {
        refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", "needs 8");
        refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", "of 8");
        refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "negative");
        refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", "at bytes 4");
        refuses(
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,"
                        + "0]}}",
                "impossible");
        refuses(
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,"
                        + "0]}}",
                "has the number 99999999999999999999");
        refuses("{\"a\":{\"dtype\":\"F4\",\"shape\":[1],\"data_offsets\":[0,4]}}", "dtype F4");
        refuses("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", "without dtype");
        refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", "without dtype");
        refuses("{\"a\":[]}", "START_OBJECT");
        refuses("[]", "START_OBJECT");
        refuses("{\"a\":", "no valid JSON");
        refuses(
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                        + "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}",
                "overlaps");
        refuses(
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                        + "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
                "no valid JSON");
    }

    @Test
    void headersOfOtherTypesAreRefused() throws IOException {
        String tensor = "{\"a\":{\"dtype\":%s,\"shape\":%s,\"data_offsets\":%s}}";
        for (String odd :
                List.of(
                        "null",
                        "true",
                        "7",
                        "1e300",
                        "NaN",
                        "{}",
                        "{\"shape\":[8]}",
                        "[null]",
                        "[\"8\"]",
                        "[[8]]",
                        "[1.5]",
                        "[-9223372036854775808]",
                        "[9223372036854775807,9223372036854775807]")) {
            refuses(tensor.formatted(odd, "[8]", "[0,8]"), "\"a");
            refuses(tensor.formatted("\"U8\"", odd, "[0,8]"), "\"a");
            refuses(tensor.formatted("\"U8\"", "[8]", odd), "\"a");
        }
        refuses("{\"a\":null}", "null instead of START_OBJECT in its header at \"a\"");
        refuses("{\"__metadata__\":{\"format\":null}}", "at \"format\"");
        refuses("{\"__metadata__\":7}", "at \"__metadata__\"");
        refuses(tensor.formatted("\"U8\"", "[8]", "[0,8]") + "{}", "after the object");
    }

    @Test
    void bytesOfNoTensorAreRefused() throws IOException {
        refuses(
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
                "begins 4 bytes");
        refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", "4 bytes that");
        refuses("{}", "8 bytes that belong to no tensor");
    }

    @Test
    void absurdHeaderSizesAreRefusedBeforeMemoryIsTaken() throws IOException {
        Path file = folder.resolve("absurd.safetensors");
        for (long size : new long[] {-1, 0, 1, Long.MAX_VALUE, 99_000_000, 200_000_000}) {
            ByteBuffer bytes = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
            Files.write(file, bytes.putLong(size).array());
            var error = assertThrows(ModelException.class, () -> SafeTensorsFile.open(file));
            assertTrue(error.getMessage().contains("claims a header"), error.getMessage());
        }
    }

    @Test
    void damagedBytesNeverDoWorseThanAnException() throws IOException {
        Path file = folder.resolve("whole.safetensors");
        SafeTensorsWriter.write(
                file, List.of(floats("a", new long[] {2}, 1, 2), floats("b", new long[] {1}, 3)));
        byte[] whole = Files.readAllBytes(file);
        UniformRandomProvider random = RandomSource.XO_RO_SHI_RO_128_PP.create(11);
        for (int round = 0; round < 400; round++) {
            byte[] damaged = whole.clone();
            damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            Files.write(file, damaged);
            try (SafeTensorsFile read = SafeTensorsFile.open(file)) {
                read.entries().keySet().forEach(name -> read.read(name, Arena.ofAuto()));
            } catch (ModelException e) {
                assertTrue(e.getMessage().contains("whole.safetensors"), e.getMessage());
            }
        }
    }

    @Test
    void failedWritesLeaveTheOldFile() throws IOException {
        Path file = folder.resolve("kept.safetensors");
        SafeTensorsWriter.write(file, List.of(floats("a", new long[] {1}, 1)));
        Source wrong = source("b", DType.FLOAT32, new long[] {2}, new byte[3]);
        var error =
                assertThrows(
                        ModelException.class, () -> SafeTensorsWriter.write(file, List.of(wrong)));
        assertTrue(error.getMessage().contains("\"b\" has 3 bytes"), error.getMessage());
        try (SafeTensorsFile read = SafeTensorsFile.open(file)) {
            assertArrayEquals(new float[] {1}, TensorValues.floats(read, "a"));
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(file), files.toList());
        }
        assertFalse(Files.exists(folder.resolve("none")));
    }

    @Test
    void foldersWithoutWeightsSayWhatIsExpected() {
        var error = assertThrows(ModelException.class, () -> SafeTensorsFile.open(folder));
        assertTrue(error.getMessage().contains("neither model.safetensors nor"));
    }

    private void refuses(String header, String message) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(16 + json.length).order(ByteOrder.LITTLE_ENDIAN);
        Path file = folder.resolve("hostile.safetensors");
        Files.write(file, bytes.putLong(json.length).put(json).array());
        var error =
                assertThrows(
                        ModelException.class, () -> SafeTensorsFile.open(file).close(), header);
        assertTrue(error.getMessage().startsWith(file.toString()), error.getMessage());
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    private void refusesIndex(String weightMap, String message) throws IOException {
        index(weightMap);
        var error = assertThrows(ModelException.class, () -> SafeTensorsFile.open(folder).close());
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    private void index(String weightMap) throws IOException {
        Files.writeString(
                folder.resolve("model.safetensors.index.json"),
                "{\"metadata\":{\"total_size\":8},\"weight_map\":" + weightMap + "}");
    }

    private static Source floats(String name, long[] shape, float... values) {
        return new Source(
                name,
                DType.FLOAT32,
                shape,
                arena -> arena.allocateFrom(ValueLayout.JAVA_FLOAT, values));
    }

    private static Source source(String name, DType dtype, long[] shape, byte[] bytes) {
        return new Source(name, dtype, shape, _ -> MemorySegment.ofArray(bytes));
    }
}
