package org.attune.images;

import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

import javax.imageio.ImageIO;
import javax.imageio.ImageReader;

/// Kinds of files that are read, known by how they begin. What else a plug-in might read isn't,
/// since the files come from strangers.
enum PictureFormat {
    PNG(new int[] {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}),
    JPEG(new int[] {0xFF, 0xD8, 0xFF}),
    GIF(new int[] {'G', 'I', 'F', '8'}),
    BMP(new int[] {'B', 'M'}),
    TIFF(new int[] {'I', 'I', 42, 0}, new int[] {'M', 'M', 0, 42}),
    WEBP(new int[] {'R', 'I', 'F', 'F', -1, -1, -1, -1, 'W', 'E', 'B', 'P'});

    /// Bytes; what is negative may be any.
    private final List<int[]> beginnings;

    PictureFormat(int[]... beginnings) {
        this.beginnings = List.of(beginnings);
    }

    static PictureFormat of(String name, byte[] file) {
        for (PictureFormat format : values()) {
            if (format.beginnings.stream().anyMatch(beginning -> begins(file, beginning))) {
                return format;
            }
        }
        throw new DatasetException(
                "%s: %s; accepted: PNG, JPEG, GIF, BMP, TIFF, WebP"
                        .formatted(
                                name,
                                file.length == 0
                                        ? "the picture is empty"
                                        : "no picture that can be read; it begins with the bytes "
                                                + beginning(file)));
    }

    private static boolean begins(byte[] file, int[] beginning) {
        for (int i = 0; i < beginning.length; i++) {
            if (i >= file.length || (beginning[i] >= 0 && (file[i] & 255) != beginning[i])) {
                return false;
            }
        }
        return true;
    }

    private static String beginning(byte[] file) {
        List<String> bytes = new ArrayList<>();
        for (byte b : Arrays.copyOf(file, Math.min(file.length, 8))) {
            bytes.add("%02x".formatted(b & 255));
        }
        return String.join(" ", bytes);
    }

    /// The JDK's reader, so that what stands on the class path changes no pixel, or a plug-in's if
    /// the JDK has none.
    ImageReader reader(String name) {
        List<ImageReader> readers = new ArrayList<>();
        ImageIO.getImageReadersByFormatName(name()).forEachRemaining(readers::add);
        return readers.stream()
                .min(Comparator.comparing(reader -> !isOfJdk(reader)))
                .orElseThrow(
                        () ->
                                new DatasetException(
                                        ("%s: a %s picture needs a reader that the JDK lacks."
                                                        + " Convert it to PNG, or put a plug-in of"
                                                        + " javax.imageio on the class path:"
                                                        + " com.github.usefulness:webp-imageio"
                                                        + " reads WebP exactly,"
                                                        + " com.twelvemonkeys.imageio:imageio-webp"
                                                        + " with other colours in lossy files")
                                                .formatted(name, name())));
    }

    private static boolean isOfJdk(ImageReader reader) {
        return reader.getClass().getModule().getName() != null;
    }
}
