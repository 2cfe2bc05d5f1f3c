package org.attune.reports.tensorboard;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.MeasuredRow;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class TensorBoardFileTest {
    @TempDir Path folder;

    private Path write() throws IOException {
        var board = new TensorBoardFile(folder, Optional.empty(), () -> Instant.ofEpochMilli(1500));
        board.onStart(new RunInfo("dpo", folder, 40, 50, 10, 4, 1));
        Map<String, Object> metrics = new LinkedHashMap<>();
        metrics.put("loss", 0.6931);
        metrics.put("rewards/margins", -2);
        metrics.put("text", "not a number");
        board.onLog(300, metrics);
        board.onEvaluate(301, Map.of("eval_loss", 0.5));
        board.onEnd(new RunSummary(50, false, Optional.empty(), Map.of(), 0, 0));
        try (var files = Files.list(folder)) {
            return files.findFirst().orElseThrow();
        }
    }

    @Test
    void eventsReadBack() throws IOException {
        Path file = write();
        assertEquals("events.out.tfevents.1500.attune", file.getFileName().toString());
        List<String> events = new ArrayList<>();
        for (byte[] record : records(Files.readAllBytes(file))) {
            events.add(event(record));
        }
        assertEquals(
                List.of(
                        "1=1.5 2=0 3=brain.Event:2",
                        "1=1.5 2=41 7={1=1}",
                        "1=1.5 2=300 5={1={1=train/loss 2=0.6931} 1={1=train/rewards/margins"
                                + " 2=-2.0}}",
                        "1=1.5 2=301 5={1={1=eval/loss 2=0.5}}"),
                events);
    }

    private static CompletionTable round() {
        List<Prompt> prompts = new ArrayList<>();
        List<Completion> completions = new ArrayList<>();
        var values = new double[4][];
        for (int i = 0; i < 4; i++) {
            prompts.add(new Prompt("2 | 3?", List.of()));
            completions.add(new Completion("<b>\n" + i, new int[i + 1], List.of()));
            values[i] = new double[] {i, i == 3 ? Double.NaN : 1};
        }
        return new CompletionTable(
                new RewardBatch(prompts, completions, Map.of()),
                RewardTable.of(List.of("exact", "format"), new double[] {1, 1}, values),
                Optional.of(new double[] {-1, 0, 0, 1}),
                2);
    }

    @Test
    void configurationAndCompletionsAreShown() throws IOException {
        var board =
                new TensorBoardFile(
                        folder, Optional.of("beta: 0.1\n"), () -> Instant.ofEpochMilli(0));
        board.onStart(new RunInfo("grpo", folder, 0, 50, 10, 0, 1));
        board.onCompletions(0, round());
        board.onLog(5, Map.of("reward", 1.5));
        board.onLog(6, Map.of("reward", 1.5));
        board.onHeldOutCompletions("", round());
        board.onHeldOutRows(
                "",
                List.of(
                        new MeasuredRow("a:1", Map.of("rewards/margins", 1.0)),
                        new MeasuredRow("a:2", Map.of("rewards/margins", -1.0))));
        board.onHeldOutRows("other", List.of(new MeasuredRow("b:1", Map.of("loss", 1.0))));
        board.onEvaluate(6, Map.of());
        board.onEvaluate(7, Map.of());
        board.onEnd(new RunSummary(50, false, Optional.empty(), Map.of(), 0, 0));
        List<String> events = new ArrayList<>();
        try (var files = Files.list(folder)) {
            for (byte[] record : records(Files.readAllBytes(files.findFirst().orElseThrow()))) {
                events.add(new String(record, StandardCharsets.UTF_8));
            }
        }
        String all = String.join("\n---\n", events);
        for (String part :
                List.of(
                        "config/text_summary",
                        "    beta: 0.1\n",
                        "train/completions/text_summary",
                        "train/reward/histogram",
                        "train/rewards/format/histogram",
                        "train/completions/length/histogram",
                        "eval/completions/text_summary",
                        "eval/reward/histogram",
                        "eval/rewards/margins/histogram",
                        "eval/other_loss/histogram")) {
            assertEquals(1, events.stream().filter(e -> e.contains(part)).count(), part + all);
        }
        assertTrue(all.contains("| 2 &#124; 3? | &lt;b><br>2 | 2.000 | 1.000 | 0.000 |"), all);
    }

    @Test
    void bucketsHoldAllNumbers() {
        assertTrue(Histogram.of(new double[] {Double.NaN}).isEmpty());
        var one = Histogram.of(new double[] {2, 2, Double.POSITIVE_INFINITY}).orElseThrow();
        assertArrayEquals(new double[] {2}, one.limits());
        assertArrayEquals(new double[] {2}, one.counts());
        var many = Histogram.of(new double[] {0, 0.1, 1.5, 3}).orElseThrow();
        assertEquals(30, many.limits().length);
        assertEquals(3, many.limits()[29]);
        assertEquals(4, Arrays.stream(many.counts()).sum());
        assertEquals(2, many.counts()[0]);
        assertEquals(1, many.counts()[14], "up to its own limit");
        assertEquals(1, many.counts()[29]);
        assertEquals(4.6, many.sum(), 1e-12);
        assertEquals(11.26, many.sumOfSquares(), 1e-12);
    }

    @Test
    void folderThatCantBeWrittenEndsNothing() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        var board = new TensorBoardFile(file.resolve("runs"), Optional.empty(), Instant::now);
        board.onStart(new RunInfo("sft", folder, 0, 50, 10, 0, 1));
        board.onLog(1, Map.of("loss", 1.0));
        board.onSave(1, folder);
        board.onEnd(new RunSummary(50, false, Optional.empty(), Map.of(), 0, 0));
        assertEquals("", Files.readString(file));
    }

    @Test
    void recordsBeforeACutStayReadable() throws IOException {
        byte[] whole = Files.readAllBytes(write());
        int before = 0;
        for (int length = 0; length <= whole.length; length++) {
            int count = records(Arrays.copyOf(whole, length)).size();
            assertTrue(count >= before, "cut at " + length);
            before = count;
        }
        assertEquals(4, before);
    }

    /// CRC-32C of "123456789" is 0xe3069283 in every catalogue of check values.
    @Test
    void checksumIsMaskedCrc32c() {
        byte[] data = "123456789".getBytes(StandardCharsets.US_ASCII);
        int crc = 0xe3069283;
        assertEquals((crc >>> 15 | crc << 17) + 0xa282ead8, TensorBoardEvents.maskedCrc(data, 9));
    }

    @Test
    void secondFileOfTheSameMomentGetsAnotherName() throws IOException {
        write();
        write();
        try (var files = Files.list(folder)) {
            assertEquals(2, files.count());
        }
    }

    /// An independent reader: bit-by-bit CRC, generic wire format.
    private static List<byte[]> records(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        List<byte[]> records = new ArrayList<>();
        while (in.remaining() >= 12) {
            byte[] header = new byte[8];
            in.get(header);
            long length = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN).getLong();
            assertEquals(masked(header), in.getInt());
            if (in.remaining() < length + 4) {
                return records;
            }
            byte[] data = new byte[(int) length];
            in.get(data);
            assertEquals(masked(data), in.getInt());
            records.add(data);
        }
        return records;
    }

    private static int masked(byte[] data) {
        int crc = -1;
        for (byte b : data) {
            crc ^= b & 0xff;
            for (int bit = 0; bit < 8; bit++) {
                crc = crc >>> 1 ^ (crc & 1) * 0x82f63b78;
            }
        }
        crc = ~crc;
        return (crc >>> 15 | crc << 17) + 0xa282ead8;
    }

    private static String event(byte[] message) {
        return fields(message, true);
    }

    private static String fields(byte[] message, boolean top) {
        ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
        List<String> shown = new ArrayList<>();
        while (in.hasRemaining()) {
            long tag = varint(in);
            shown.add((tag >> 3) + "=" + value(in, (int) tag & 7, (int) (tag >> 3), top));
        }
        return String.join(" ", shown);
    }

    private static String value(ByteBuffer in, int wire, int field, boolean top) {
        return switch (wire) {
            case 0 -> String.valueOf(varint(in));
            case 1 -> String.valueOf(in.getDouble());
            case 5 -> String.valueOf(in.getFloat());
            case 2 -> {
                byte[] data = new byte[(int) varint(in)];
                in.get(data);
                boolean text = top ? field == 3 : field == 1 && data[0] >= 'a';
                yield text
                        ? new String(data, StandardCharsets.UTF_8)
                        : "{" + fields(data, false) + "}";
            }
            default -> throw new AssertionError("wire type " + wire);
        };
    }

    private static long varint(ByteBuffer in) {
        long value = 0;
        int shift = 0;
        byte b;
        do {
            b = in.get();
            value |= (long) (b & 0x7f) << shift;
            shift += 7;
        } while (b < 0);
        return value;
    }
}
