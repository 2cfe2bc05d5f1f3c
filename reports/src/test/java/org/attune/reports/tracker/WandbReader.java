package org.attune.reports.tracker;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32;

/// Reads a `.wandb` file independently of its writer.
final class WandbReader {
    private WandbReader() {}

    /// Fields of a message by number: longs, or bytes.
    static SortedMap<Integer, List<Object>> fields(byte[] message) {
        var fields = new TreeMap<Integer, List<Object>>();
        ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
        while (in.hasRemaining()) {
            long tag = varint(in);
            Object value;
            if ((tag & 7) == 0) {
                value = varint(in);
            } else {
                assertEquals(2, tag & 7);
                byte[] data = new byte[(int) varint(in)];
                in.get(data);
                value = data;
            }
            fields.computeIfAbsent((int) (tag >> 3), _ -> new ArrayList<>()).add(value);
        }
        return fields;
    }

    static String text(SortedMap<Integer, List<Object>> fields, int number) {
        return new String((byte[]) fields.get(number).getFirst(), StandardCharsets.UTF_8);
    }

    /// Items of field 1, key and JSON.
    static SortedMap<String, String> items(byte[] message) {
        var items = new TreeMap<String, String>();
        for (Object item : fields(message).getOrDefault(1, List.of())) {
            var fields = fields((byte[]) item);
            items.put(text(fields, 1), text(fields, 16));
        }
        return items;
    }

    static List<byte[]> records(byte[] file) {
        assertArrayEquals(
                new byte[] {':', 'W', '&', 'B', (byte) 0xE1, (byte) 0xBE, 0},
                Arrays.copyOf(file, 7));
        List<byte[]> records = new ArrayList<>();
        var record = new ByteArrayOutputStream();
        int at = 7;
        while (at < file.length) {
            int room = 32768 - at % 32768;
            if (room < 7) {
                at += room;
                continue;
            }
            ByteBuffer head = ByteBuffer.wrap(file, at, 7).order(ByteOrder.LITTLE_ENDIAN);
            int sum = head.getInt();
            int length = head.getShort() & 0xffff;
            int type = head.get();
            var crc = new CRC32();
            crc.update(file, at + 6, length + 1);
            assertEquals(sum, (int) crc.getValue());
            record.write(file, at + 7, length);
            at += 7 + length;
            if (type == 1 || type == 4) {
                records.add(record.toByteArray());
                record.reset();
            }
        }
        return records;
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
