package org.attune.files.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.ModelException;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

class GgufFileTest {
    @TempDir Path folder;

    @Test
    void blocksDecodeByTheirFormulas() throws IOException {
        // One block of 32 each, scale 0.5: codes 0x21 in every byte, so 1 first and 2 from 16 on.
        byte[] q4 = block(18, 0.5f, 2, 0x21);
        byte[] q4Offset = block(20, 0.5f, 4, 0x21);
        half(q4Offset, 2, 3f);
        byte[] q8 = block(34, 0.5f, 2, -3);
        byte[] q5 = block(22, 0.5f, 6, 0x21);
        q5[2] = 1; // fifth bit of value 0 only
        try (GgufFile file =
                new GgufBuilder()
                        .tensor("q4_0", 2, q4, 32)
                        .tensor("q4_1", 3, q4Offset, 32)
                        .tensor("q8_0", 8, q8, 32)
                        .tensor("q5_0", 6, q5, 32)
                        .open(folder.resolve("blocks.gguf"))) {
            assertEnds(file, "q4_0", (1 - 8) * 0.5f, (2 - 8) * 0.5f);
            assertEnds(file, "q4_1", 1 * 0.5f + 3, 2 * 0.5f + 3);
            assertEnds(file, "q8_0", -1.5f, -1.5f);
            assertEnds(file, "q5_0", (1 + 16 - 16) * 0.5f, (2 - 16) * 0.5f);
            assertEquals((1 - 16) * 0.5f, TensorValues.floats(file, "q5_0")[1]);
        }
    }

    @Test
    void superBlocksDecodeByTheirFormulas() throws IOException {
        byte[] q4 = block(144, 0.5f, 16, 0x21);
        half(q4, 2, 0.25f);
        q4[4] = 3; // scale of sub-block 0
        q4[8] = 2; // offset of sub-block 0
        q4[15] = 0x57; // sub-block 7: low bits of scale 7, of offset 5
        q4[7] = (byte) 0x80; // its high bits of scale: 2
        byte[] q6 = new byte[210];
        half(q6, 208, 0.5f);
        Arrays.fill(q6, 0, 128, (byte) 0x21);
        Arrays.fill(q6, 128, 192, (byte) 0xE4); // two high bits: 0, 1, 2, 3 in the four quarters
        Arrays.fill(q6, 192, 208, (byte) -2);
        try (GgufFile file =
                new GgufBuilder()
                        .tensor("q4_k", 12, q4, 256)
                        .tensor("q6_k", 14, q6, 256)
                        .open(folder.resolve("super.gguf"))) {
            assertEnds(file, "q4_k", 0.5f * 3 * 1 - 0.25f * 2, 0.5f * (7 + 32) * 2 - 0.25f * 5);
            assertEnds(file, "q6_k", 0.5f * -2 * (1 - 32), 0.5f * -2 * (2 + 48 - 32));
        }
    }

    @Test
    void queryRowsOfArchitectureLlamaArePutBack() throws IOException {
        // Two heads of 4: pairs (0, 1), (2, 3) of the file become halves (0, 2), (1, 3).
        float[] rows = {0, 1, 2, 3, 4, 5, 6, 7};
        GgufBuilder llama =
                new GgufBuilder()
                        .text("general.architecture", "llama")
                        .uint32("llama.attention.head_count", 2)
                        .uint32("llama.attention.head_count_kv", 1)
                        .floats("blk.0.attn_q.weight", rows, 8, 1)
                        .floats("blk.0.attn_q.bias", rows, 8)
                        .floats("blk.0.attn_k.weight", rows, 8, 1)
                        .floats("blk.0.attn_v.weight", rows, 8, 1);
        try (GgufFile file = llama.open(folder.resolve("rows.gguf"))) {
            float[] twoHeads = {0, 2, 1, 3, 4, 6, 5, 7};
            String attention = "blk.0.attn_";
            assertArrayEquals(twoHeads, TensorValues.floats(file, attention + "q.weight"));
            assertArrayEquals(twoHeads, TensorValues.floats(file, attention + "q.bias"));
            assertArrayEquals(
                    new float[] {0, 2, 4, 6, 1, 3, 5, 7},
                    TensorValues.floats(file, attention + "k.weight"));
            assertArrayEquals(rows, TensorValues.floats(file, attention + "v.weight"));
        }
    }

    @Test
    void largeTensorsAreDecodedInGroups() throws IOException {
        // More groups than cores, and a last group that isn't full.
        int blocks = 10 * 2048 + 7;
        ByteBuffer data = ByteBuffer.allocate(blocks * 34).order(ByteOrder.LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            data.putShort(b * 34, Float.floatToFloat16(1));
            data.put(b * 34 + 2, (byte) (b % 100));
        }
        try (GgufFile file =
                new GgufBuilder()
                        .tensor("big", 8, data.array(), blocks, 32)
                        .open(folder.resolve("big.gguf"))) {
            float[] values = TensorValues.floats(file, "big");
            for (int b = 0; b < blocks; b++) {
                assertEquals(b % 100, values[b * 32], "block " + b);
            }
        }
    }

    @Test
    void partsOfTensorsAreRead() throws IOException {
        try (GgufFile file =
                        new GgufBuilder()
                                .floats("vector", new float[] {1, 8, 5}, 3)
                                .floats("stack", new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 2, 2)
                                .open(folder.resolve("parts.gguf"));
                Arena arena = Arena.ofConfined()) {
            assertEquals(Optional.of(List.of(1.0, 8.0, 5.0)), file.vector("vector"));
            assertEquals(Optional.empty(), file.vector("other"));
            assertThrows(ModelException.class, () -> file.vector("stack"));
            MemorySegment two = arena.allocate(8);
            file.readRows("vector", 1, 2, DType.FLOAT32, two);
            assertArrayEquals(new float[] {8, 5}, two.toArray(ValueLayout.JAVA_FLOAT));
            MemorySegment four = arena.allocate(16);
            file.readRows("stack", 1, 2, DType.FLOAT32, four);
            assertArrayEquals(new float[] {3, 4, 5, 6}, four.toArray(ValueLayout.JAVA_FLOAT));
        }
    }

    @Test
    void typesWithoutReaderAreNamed() throws IOException {
        try (GgufFile file =
                new GgufBuilder()
                        .tensor("t", 19, new byte[50], 256)
                        .open(folder.resolve("iq.gguf"))) {
            var error = assertThrows(ModelException.class, () -> TensorValues.floats(file, "t"));
            assertTrue(error.getMessage().contains("type IQ1_S"), error.getMessage());
            assertTrue(error.getMessage().contains("Q4_K"), error.getMessage());
        }
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        byte[] whole = sample().bytes();
        // The last tensor's padding may be missing; ggml's own writer leaves it out at times.
        int needed = whole.length - (32 - 20);
        for (int length = 0; length < needed; length++) {
            Path file = folder.resolve("cut.gguf");
            Files.write(file, Arrays.copyOf(whole, length));
            var error = assertThrows(ModelException.class, () -> GgufFile.open(file).close());
            assertTrue(error.getMessage().startsWith(file.toString()), error.getMessage());
        }
    }

    @Test
    void damagedBytesNeverDoWorseThanAnException() throws IOException {
        byte[] whole = sample().bytes();
        UniformRandomProvider random = RandomSource.XO_RO_SHI_RO_128_PP.create(7);
        Path file = folder.resolve("damaged.gguf");
        int refused = 0;
        for (int round = 0; round < 400; round++) {
            byte[] damaged = whole.clone();
            for (int i = 0; i < 1 + random.nextInt(4); i++) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            }
            Files.write(file, damaged);
            try (GgufFile gguf = GgufFile.open(file)) {
                for (String name : gguf.entries().keySet()) {
                    gguf.read(name, Arena.ofAuto());
                }
                GgufTokenizer.of(gguf.metadata());
            } catch (ModelException e) {
                refused++;
                assertTrue(e.getMessage().contains("damaged.gguf"), e.getMessage());
            }
        }
        assertTrue(refused > 150, "refused " + refused);
    }

    @Test
    void absurdCountsAreRefusedBeforeMemoryIsTaken() throws IOException {
        byte[] whole = sample().bytes();
        Path file = folder.resolve("absurd.gguf");
        for (int at : new int[] {8, 16}) {
            for (long count : new long[] {-1, Long.MAX_VALUE, 1L << 40}) {
                byte[] damaged = whole.clone();
                ByteBuffer.wrap(damaged).order(ByteOrder.LITTLE_ENDIAN).putLong(at, count);
                Files.write(file, damaged);
                var error = assertThrows(ModelException.class, () -> GgufFile.open(file).close());
                assertTrue(error.getMessage().contains("claims"), error.getMessage());
            }
        }
    }

    @Test
    void overlapsAreRefused() throws IOException {
        byte[] bytes =
                new GgufBuilder()
                        .floats("a", new float[16], 16)
                        .floats("b", new float[16], 16)
                        .bytes();
        // The second tensor's offset is the last 8 bytes of the directory.
        ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int at = 24 + (8 + 1 + 4 + 8 + 4 + 8) * 2 - 8;
        assertEquals(64, file.getLong(at));
        file.putLong(at, 32);
        Path path = folder.resolve("overlap.gguf");
        Files.write(path, bytes);
        var error = assertThrows(ModelException.class, () -> GgufFile.open(path).close());
        assertTrue(error.getMessage().contains("overlaps"), error.getMessage());
    }

    @Test
    void absentTensorsAreNamed() throws IOException {
        try (GgufFile file = sample().open(folder.resolve("sample.gguf"))) {
            assertFalse(file.entries().containsKey("nothing"));
            var error =
                    assertThrows(ModelException.class, () -> TensorValues.floats(file, "nothing"));
            assertTrue(error.getMessage().contains("no tensor \"nothing\""));
        }
    }

    private static GgufBuilder sample() {
        return new GgufBuilder()
                .text("general.architecture", "llama")
                .uint32("llama.attention.head_count", 2)
                .text("tokenizer.ggml.model", "gpt2")
                .text("tokenizer.ggml.pre", "smollm")
                .texts("tokenizer.ggml.tokens", "a", "b", "ab")
                .int32s("tokenizer.ggml.token_type", 1, 1, 1)
                .texts("tokenizer.ggml.merges", "a b")
                .tensor("blk.0.attn_q.weight", 8, new byte[34 * 4], 4, 32)
                .floats("token_embd.weight", new float[] {1, 2, 3, 4, 5}, 5);
    }

    private static byte[] block(int size, float scale, int codesAt, int code) {
        var block = new byte[size];
        half(block, 0, scale);
        Arrays.fill(block, codesAt, size, (byte) code);
        return block;
    }

    private static void half(byte[] block, int at, float value) {
        ByteBuffer.wrap(block)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort(at, Float.floatToFloat16(value));
    }

    private static void assertEnds(GgufFile file, String name, float first, float last) {
        float[] values = TensorValues.floats(file, name);
        assertEquals(first, values[0], name);
        assertEquals(last, values[values.length - 1], name);
    }
}
