package org.attune.datasets.parquet;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/// Values in Parquet's encoding PLAIN: little-endian numbers, texts after their length, truth
/// values as bits, lowest first. One instance holds values of one type.
final class PlainValues {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private int bits;
    private int bitCount;

    void add(Object value) {
        switch (value) {
            case Long number -> little(number, Long.BYTES);
            case Double number -> little(Double.doubleToLongBits(number), Double.BYTES);
            case Boolean truth -> bit(truth);
            case String text -> {
                byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
                little(utf8.length, Integer.BYTES);
                out.writeBytes(utf8);
            }
            default -> throw new IllegalArgumentException("no column holds " + value.getClass());
        }
    }

    private void little(long value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            out.write((int) (value >>> 8 * i));
        }
    }

    private void bit(boolean truth) {
        bits |= (truth ? 1 : 0) << bitCount;
        bitCount++;
        if (bitCount == Byte.SIZE) {
            out.write(bits);
            bits = 0;
            bitCount = 0;
        }
    }

    /// The bytes of all values. To be called once, after the last value.
    byte[] toByteArray() {
        if (bitCount > 0) {
            out.write(bits);
        }
        return out.toByteArray();
    }
}
