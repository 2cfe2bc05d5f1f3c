package org.attune.images;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/// What a file holds beside its pixels. Only what pixels depend on is given to a decoder: texts,
/// profiles and thumbnails are no part of a picture, and a place for what fills memory.
///
/// @param file        the file without the rest
/// @param orientation how the camera was held, 1 to 8
/// @param components  channels of a JPEG, 0 for others
record Chunks(byte[] file, int orientation, int components) {
    /// Scans of a progressive JPEG. Programs write about ten; each costs a pass over the picture.
    private static final int MOST_SCANS = 100;

    private static final Set<String> PNG_PIXELS = Set.of("IHDR", "PLTE", "tRNS", "IDAT", "IEND");
    private static final int PNG_SIGNATURE = 8;
    private static final int PNG_FRAME = 12;
    private static final int ORIENTATION = 0x112;

    /// @throws BrokenPictureException if the parts don't fit into each other
    static Chunks of(PictureFormat format, byte[] file) {
        return switch (format) {
            case PNG -> png(file);
            case JPEG -> jpeg(file);
            case WEBP -> new Chunks(file, webpOrientation(file), 0);
            case TIFF -> new Chunks(file, orientation(file, 0, file.length), 0);
            case GIF, BMP -> new Chunks(file, 1, 0);
        };
    }

    private static Chunks png(byte[] file) {
        var kept = new ByteArrayOutputStream(file.length);
        kept.write(file, 0, PNG_SIGNATURE);
        int orientation = 1;
        ByteBuffer bytes = ByteBuffer.wrap(file);
        for (int at = PNG_SIGNATURE; at + PNG_FRAME <= file.length; ) {
            int length = bytes.getInt(at);
            if (length < 0 || length > file.length - at - PNG_FRAME) {
                throw new BrokenPictureException("a chunk reaches over the file's end");
            }
            String type = new String(file, at + 4, 4, StandardCharsets.ISO_8859_1);
            if (PNG_PIXELS.contains(type)) {
                kept.write(file, at, length + PNG_FRAME);
            } else if (type.equals("eXIf")) {
                orientation = orientation(file, at + 8, at + 8 + length);
            }
            at += length + PNG_FRAME;
            if (type.equals("IEND")) {
                return new Chunks(kept.toByteArray(), orientation, 0);
            }
        }
        throw new BrokenPictureException("the file ends before the picture does");
    }

    /// The segments before the first scan, without application data but JFIF's and Adobe's, which
    /// say how colours are meant.
    private static Chunks jpeg(byte[] file) {
        var kept = new ByteArrayOutputStream(file.length);
        kept.write(file, 0, 2);
        int orientation = 1;
        int components = 0;
        int at = 2;
        while (at + 4 <= file.length) {
            int marker = file[at + 1] & 255;
            if ((file[at] & 255) != 0xFF) {
                throw new BrokenPictureException("no segment begins at byte " + at);
            }
            if (marker == 0xFF) {
                at++; // a filling byte
                continue;
            }
            int length = ByteBuffer.wrap(file).getShort(at + 2) & 0xFFFF;
            if (length < 2 || at + 2 + length > file.length) {
                throw new BrokenPictureException("a segment reaches over the file's end");
            }
            boolean isApplication = marker >= 0xE0 && marker <= 0xEF;
            if (isFrame(marker) && length > 7) {
                components = file[at + 9] & 255;
            } else if (marker == 0xE1 && length > 8 && isExif(file, at + 4)) {
                orientation = orientation(file, at + 10, at + 2 + length);
            }
            if (marker == 0xDA) {
                requireFewScans(file, at);
                kept.write(file, at, file.length - at);
                return new Chunks(kept.toByteArray(), orientation, components);
            }
            if (!isApplication || marker == 0xE0 || marker == 0xEE) {
                kept.write(file, at, 2 + length);
            }
            at += 2 + length;
        }
        throw new BrokenPictureException("the file ends before the picture begins");
    }

    private static boolean isFrame(int marker) {
        return marker >= 0xC0
                && marker <= 0xCF
                && marker != 0xC4
                && marker != 0xC8
                && marker != 0xCC;
    }

    private static boolean isExif(byte[] file, int at) {
        return new String(file, at, 4, StandardCharsets.ISO_8859_1).equals("Exif");
    }

    private static void requireFewScans(byte[] file, int from) {
        int scans = 0;
        for (int i = from; i + 1 < file.length; i++) {
            if ((file[i] & 255) == 0xFF && (file[i + 1] & 255) == 0xDA) {
                scans++;
            }
        }
        if (scans > MOST_SCANS) {
            throw new BrokenPictureException(
                    "it has %d scans; up to %d are read".formatted(scans, MOST_SCANS));
        }
    }

    private static int webpOrientation(byte[] file) {
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 12; at + 8 <= file.length; ) {
            int length = bytes.getInt(at + 4);
            if (length < 0 || length > file.length - at - 8) {
                return 1;
            }
            if (new String(file, at, 4, StandardCharsets.ISO_8859_1).equals("EXIF")) {
                int start = at + 8 + (length > 6 && isExif(file, at + 8) ? 6 : 0);
                return orientation(file, start, at + 8 + length);
            }
            at += 8 + length + (length & 1);
        }
        return 1;
    }

    /// The orientation in the first directory of TIFF's structure, which EXIF has; 1 if there is
    /// none, or what stands there is damaged: a picture can be read without.
    private static int orientation(byte[] file, int start, int end) {
        if (end - start < 8) {
            return 1;
        }
        ByteBuffer tiff =
                ByteBuffer.wrap(file, start, end - start)
                        .slice()
                        .order(file[start] == 'I' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        int directory = tiff.getInt(4);
        if (directory < 0 || directory > tiff.limit() - 2) {
            return 1;
        }
        int entries = tiff.getShort(directory) & 0xFFFF;
        for (int i = 0; i < entries; i++) {
            int at = directory + 2 + 12 * i;
            if (at > tiff.limit() - 12) {
                return 1;
            }
            if ((tiff.getShort(at) & 0xFFFF) == ORIENTATION) {
                int value = tiff.getShort(at + 8);
                return value >= 1 && value <= 8 ? value : 1;
            }
        }
        return 1;
    }
}
