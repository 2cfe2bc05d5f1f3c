package org.attune.images;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

import javax.imageio.ImageIO;

/// Makes small copies of pictures for people.
final class Thumbnail {
    private static final int OCTET = 255;

    private Thumbnail() {}

    /// @param side most pixels of each side of the copy
    /// @return a PNG file
    static byte[] of(Pixels pixels, int side) {
        double scale = (double) side / Math.max(pixels.width(), pixels.height());
        Pixels small = pixels;
        if (scale < 1) {
            var resizer = new Resizer(Filter.BOX, ImagePipeline.Backend.PIL);
            small =
                    resizer.resize(
                            pixels, scaled(pixels.width(), scale), scaled(pixels.height(), scale));
        }
        return png(small);
    }

    private static int scaled(int length, double scale) {
        return Math.max(1, (int) Math.round(length * scale));
    }

    private static byte[] png(Pixels pixels) {
        int width = pixels.width();
        var image = new BufferedImage(width, pixels.height(), BufferedImage.TYPE_INT_RGB);
        byte[] rgb = pixels.rgb();
        for (int i = 0; i < width * pixels.height(); i++) {
            int at = Pixels.CHANNELS * i;
            int colour = (rgb[at] & OCTET) << 16 | (rgb[at + 1] & OCTET) << 8 | rgb[at + 2] & OCTET;
            image.setRGB(i % width, i / width, colour);
        }
        var bytes = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, "png", bytes);
        } catch (IOException e) {
            throw new UncheckedIOException("a stream in memory doesn't fail", e);
        }
        return bytes.toByteArray();
    }
}
