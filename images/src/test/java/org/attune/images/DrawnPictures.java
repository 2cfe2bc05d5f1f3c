package org.attune.images;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;

import javax.imageio.ImageIO;

/// Small pictures that tests draw.
final class DrawnPictures {
    private DrawnPictures() {}

    /// A picture whose colours tell where a pixel stands: red is its column, green its row.
    static BufferedImage drawn(int width, int height, int type) {
        var image = new BufferedImage(width, height, type);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                image.setRGB(x, y, 0xFF000000 | x << 16 | y << 8 | 7);
            }
        }
        return image;
    }

    static byte[] file(String format, int width, int height) throws IOException {
        return file(format, drawn(width, height, BufferedImage.TYPE_INT_RGB));
    }

    static byte[] file(String format, BufferedImage image) throws IOException {
        var bytes = new ByteArrayOutputStream();
        if (!ImageIO.write(image, format, bytes)) {
            throw new AssertionError("no writer of " + format);
        }
        return bytes.toByteArray();
    }
}
