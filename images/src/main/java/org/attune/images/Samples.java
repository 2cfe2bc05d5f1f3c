package org.attune.images;

import java.awt.image.BufferedImage;
import java.awt.image.DirectColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;

/// Takes colours from a raster as Pillow does. `BufferedImage.getRGB` would send grey, CMYK and
/// sixteen bits through colour spaces, which changes them by up to 73 levels.
final class Samples {
    private static final int OPAQUE = 255;
    private static final int BYTE = 8;
    private static final int FIX = 16;
    private static final int HALF = 1 << (FIX - 1);

    private Samples() {}

    /// The pixels of a picture, what is transparent laid on white.
    static Pixels of(BufferedImage image) {
        if (image.getColorModel() instanceof IndexColorModel
                || image.getColorModel() instanceof DirectColorModel) {
            return ofColours(image);
        }
        int bands = image.getRaster().getNumBands();
        boolean hasAlpha = image.getColorModel().hasAlpha();
        if (bands > 4 || hasAlpha != (bands == 2 || bands == 4)) {
            throw new BrokenPictureException(
                    "%d channels, which aren't grey or RGB with or without alpha; convert it to PNG"
                            .formatted(bands));
        }
        if (image.isAlphaPremultiplied()) {
            throw new BrokenPictureException(
                    "its colours are multiplied by its alpha; convert it to PNG");
        }
        int bits = image.getSampleModel().getSampleSize(0);
        if (bits != BYTE && bits != 2 * BYTE) {
            throw new BrokenPictureException(
                    "%d bits a channel; accepted: 8 and 16. Convert it to PNG".formatted(bits));
        }
        return ofBands(image.getRaster(), bits == 2 * BYTE);
    }

    private static Pixels ofColours(BufferedImage image) {
        int width = image.getWidth();
        Pixels pixels = Pixels.black(width, image.getHeight());
        int[] row = new int[width];
        int at = 0;
        for (int y = 0; y < image.getHeight(); y++) {
            image.getRGB(0, y, width, 1, row, 0, width);
            for (int argb : row) {
                int alpha = argb >>> 24;
                pixels.rgb()[at++] = onWhite(argb >> 16 & 255, alpha);
                pixels.rgb()[at++] = onWhite(argb >> 8 & 255, alpha);
                pixels.rgb()[at++] = onWhite(argb & 255, alpha);
            }
        }
        return pixels;
    }

    private static Pixels ofBands(Raster raster, boolean isWide) {
        int bands = raster.getNumBands();
        Pixels pixels = Pixels.black(raster.getWidth(), raster.getHeight());
        int[] row = new int[raster.getWidth() * bands];
        int at = 0;
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, raster.getWidth(), 1, row);
            if (isWide) {
                narrow(row, bands);
            }
            for (int i = 0; i < row.length; i += bands) {
                boolean isGrey = bands < Pixels.CHANNELS;
                int alpha = bands == 2 || bands == 4 ? row[i + bands - 1] : OPAQUE;
                pixels.rgb()[at++] = onWhite(row[i], alpha);
                pixels.rgb()[at++] = onWhite(row[isGrey ? i : i + 1], alpha);
                pixels.rgb()[at++] = onWhite(row[isGrey ? i : i + 2], alpha);
            }
        }
        return pixels;
    }

    /// Of sixteen bits the high byte stays, but Pillow clips grey without alpha instead, so that
    /// such a picture is all but white.
    private static void narrow(int[] samples, int bands) {
        for (int i = 0; i < samples.length; i++) {
            samples[i] = bands == 1 ? Math.min(samples[i], 255) : samples[i] >> BYTE;
        }
    }

    /// A colour of one channel over white, in the whole numbers of Pillow's `alpha_composite`.
    private static byte onWhite(int colour, int alpha) {
        if (alpha == 0) {
            return (byte) 255;
        }
        int sum = colour * alpha * 128 + 255 * (255 * 128 - alpha * 128) + (0x80 << 7);
        return (byte) (((sum >> 8) + sum >> 8) >> 7);
    }

    /// The colours of a JPEG with four inks. Adobe's programs, and so all, store 255 less the ink.
    ///
    /// @param isYcck whether the first three are brightness and two colour differences
    static Pixels ofInks(Raster raster, boolean isYcck) {
        int width = raster.getWidth();
        Pixels pixels = Pixels.black(width, raster.getHeight());
        int[] row = new int[width * 4];
        int at = 0;
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getPixels(0, y, width, 1, row);
            for (int i = 0; i < row.length; i += 4) {
                if (isYcck) {
                    toInks(row, i);
                }
                for (int band = 0; band < Pixels.CHANNELS; band++) {
                    int black = row[i + 3];
                    int product = (255 - row[i + band]) * black + 128;
                    pixels.rgb()[at++] =
                            (byte) Math.clamp(black - ((product >> 8) + product >> 8), 0, 255);
                }
            }
        }
        return pixels;
    }

    /// Brightness and colour differences to inks, in the fixed point of libjpeg.
    private static void toInks(int[] row, int i) {
        int y = row[i];
        int cb = row[i + 1] - 128;
        int cr = row[i + 2] - 128;
        row[i] = ink(y + (fixed(1.402) * cr + HALF >> FIX));
        row[i + 1] = ink(y + (-fixed(0.34414) * cb - fixed(0.71414) * cr + HALF >> FIX));
        row[i + 2] = ink(y + (fixed(1.772) * cb + HALF >> FIX));
    }

    private static int ink(int colour) {
        return 255 - Math.clamp(colour, 0, 255);
    }

    private static int fixed(double factor) {
        return (int) (factor * (1 << FIX) + 0.5);
    }
}
