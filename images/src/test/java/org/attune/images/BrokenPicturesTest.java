package org.attune.images;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// Damaged pictures of every kind end in the one error that names them, or in pixels.
@Tag("thorough")
final class BrokenPicturesTest {
    private static final int MUTANTS = 10_000;
    private static final long MOST_MILLISECONDS = 2_000;

    @Test
    void mutantsEndInPixelsOrInTheOneError() throws IOException {
        var random = new Random(7);
        List<byte[]> files =
                List.of(
                        DrawnPictures.file("png", 9, 7),
                        DrawnPictures.file("jpg", 9, 7),
                        DrawnPictures.file("gif", 9, 7),
                        DrawnPictures.file("bmp", 9, 7),
                        DrawnPictures.file("tiff", 9, 7),
                        DrawnPictures.file(
                                "png", DrawnPictures.drawn(9, 7, BufferedImage.TYPE_BYTE_INDEXED)),
                        DrawnPictures.file(
                                "tiff", DrawnPictures.drawn(9, 7, BufferedImage.TYPE_BYTE_GRAY)));
        int read = 0;
        int refused = 0;
        for (int i = 0; i < MUTANTS; i++) {
            byte[] mutant = mutant(files.get(i % files.size()), random);
            long start = System.nanoTime();
            try {
                Pixels pixels = Picture.of("mutant", mutant).pixels();
                assertTrue((long) pixels.width() * pixels.height() <= PictureReader.MOST_PIXELS);
                read++;
            } catch (DatasetException e) {
                assertTrue(e.getMessage().startsWith("mutant: "), e.getMessage());
                refused++;
            }
            long took = (System.nanoTime() - start) / 1_000_000;
            assertTrue(took < MOST_MILLISECONDS, "mutant %d took %d ms".formatted(i, took));
        }
        System.out.printf("%d mutants: %d read, %d refused%n", MUTANTS, read, refused);
        assertEquals(MUTANTS, read + refused);
        assertTrue(read > 0 && refused > 0);
    }

    private static byte[] mutant(byte[] file, Random random) {
        byte[] mutant = file.clone();
        for (int change = random.nextInt(4); change >= 0; change--) {
            int at = random.nextInt(mutant.length);
            switch (random.nextInt(5)) {
                case 0 -> mutant[at] = (byte) random.nextInt(256);
                case 1 -> mutant[at] ^= (byte) (1 << random.nextInt(8));
                case 2 -> mutant[at] = (byte) 0xFF;
                case 3 -> mutant[Math.min(at, 60) % mutant.length] = (byte) random.nextInt(256);
                default -> mutant = Arrays.copyOf(mutant, Math.max(1, at));
            }
        }
        return mutant;
    }
}
