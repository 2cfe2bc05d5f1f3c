package org.attune.examples.quickstart;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.Adler32;
import java.util.zip.CRC32;

/// Writes pictures of two colours as PNG, one bit a pixel and not compressed, so that equal
/// pictures are equal bytes whichever zlib a machine has.
final class PalettePng {
    private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    private static final int BITS = 1;
    private static final int PALETTE = 3;

    private PalettePng() {}

    /// @param pixels  rows of numbers of colours, of a width that is a multiple of eight
    /// @param palette red, green and blue of each colour, from 0 to 255
    static byte[] of(int[][] pixels, int[][] palette) {
        var bytes = new ByteArrayOutputStream();
        try (var png = new DataOutputStream(bytes)) {
            png.write(SIGNATURE);
            chunk(
                    png,
                    "IHDR",
                    header -> {
                        header.writeInt(pixels[0].length);
                        header.writeInt(pixels.length);
                        header.write(new byte[] {BITS, PALETTE, 0, 0, 0});
                    });
            chunk(
                    png,
                    "PLTE",
                    colours -> {
                        for (int[] colour : palette) {
                            for (int value : colour) {
                                colours.writeByte(value);
                            }
                        }
                    });
            chunk(png, "IDAT", data -> stored(data, packed(pixels)));
            chunk(png, "IEND", _ -> {});
        } catch (IOException e) {
            throw new UncheckedIOException("a stream in memory doesn't fail", e);
        }
        return bytes.toByteArray();
    }

    /// What stands in a chunk.
    private interface Content {
        void write(DataOutputStream out) throws IOException;
    }

    private static void chunk(DataOutputStream png, String type, Content content)
            throws IOException {
        var bytes = new ByteArrayOutputStream();
        var out = new DataOutputStream(bytes);
        out.write(type.getBytes(StandardCharsets.US_ASCII));
        content.write(out);
        byte[] all = bytes.toByteArray();
        var check = new CRC32();
        check.update(all);
        png.writeInt(all.length - type.length());
        png.write(all);
        png.writeInt((int) check.getValue());
    }

    /// Rows of pixels, each behind the number of its filter, which is none.
    private static byte[] packed(int[][] pixels) {
        var rows = new ByteArrayOutputStream();
        int perByte = Byte.SIZE / BITS;
        for (int[] row : pixels) {
            rows.write(0);
            for (int x = 0; x < row.length; x += perByte) {
                int octet = 0;
                for (int i = 0; i < perByte; i++) {
                    octet = octet << BITS | row[x + i];
                }
                rows.write(octet);
            }
        }
        return rows.toByteArray();
    }

    /// One stored block of zlib's form (RFC 1950 and 1951).
    private static void stored(DataOutputStream out, byte[] data) throws IOException {
        out.write(new byte[] {0x78, 0x01, 0x01});
        out.writeShort(Short.reverseBytes((short) data.length));
        out.writeShort(Short.reverseBytes((short) ~data.length));
        out.write(data);
        var check = new Adler32();
        check.update(data);
        out.writeInt((int) check.getValue());
    }
}
