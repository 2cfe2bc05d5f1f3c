package org.attune.images;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.attune.images.Picture.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;

final class PictureTest {
    @ParameterizedTest
    @ValueSource(strings = {"png", "bmp", "tiff"})
    void pixelsAreThoseThatWereDrawn(String format) throws IOException {
        Picture picture = Picture.of("drawn", DrawnPictures.file(format, 5, 3));
        assertEquals(new Size(5, 3), picture.size());
        Pixels pixels = picture.pixels();
        for (int i = 0; i < 15; i++) {
            assertArrayEquals(
                    new byte[] {(byte) (i % 5), (byte) (i / 5), 7},
                    Arrays.copyOfRange(pixels.rgb(), 3 * i, 3 * i + 3));
        }
    }

    /// Half of black over white is the middle; what is clear is white whatever its colour.
    @Test
    void transparentPixelsLieOnWhite() throws IOException {
        var image = new BufferedImage(2, 1, BufferedImage.TYPE_INT_ARGB);
        image.setRGB(0, 0, 0x80000000);
        image.setRGB(1, 0, 0x00123456);
        Pixels pixels = Picture.of("alpha", DrawnPictures.file("png", image)).pixels();
        assertArrayEquals(new byte[] {127, 127, 127, -1, -1, -1}, pixels.rgb());
    }

    /// The pixel of column 0 and row 0 of a picture of three columns and two rows goes to the
    /// corner that EXIF names.
    @ParameterizedTest
    @CsvSource({"1,0,0", "2,2,0", "3,2,1", "4,0,1", "5,0,0", "6,1,0", "7,1,2", "8,0,2"})
    void picturesAreTurnedAsTheCameraWasHeld(int orientation, int x, int y) throws IOException {
        byte[] png = DrawnPictures.file("png", 3, 2);
        Picture picture = Picture.of("turned", withChunk(png, "eXIf", exif(orientation)));
        Size size = orientation >= 5 ? new Size(2, 3) : new Size(3, 2);
        assertEquals(size, picture.size());
        Pixels pixels = picture.pixels();
        assertEquals(size, new Size(pixels.width(), pixels.height()));
        int at = 3 * (y * pixels.width() + x);
        assertArrayEquals(new byte[] {0, 0, 7}, Arrays.copyOfRange(pixels.rgb(), at, at + 3));
    }

    private static byte[] exif(int orientation) {
        return ByteBuffer.allocate(26)
                .put("MM\0*".getBytes(StandardCharsets.ISO_8859_1))
                .putInt(8)
                .putShort((short) 1)
                .putShort((short) 0x112)
                .putShort((short) 3)
                .putInt(1)
                .putShort((short) orientation)
                .array();
    }

    /// Puts a chunk behind the header, which has 33 bytes with the signature.
    private static byte[] withChunk(byte[] png, String type, byte[] data) {
        var bytes = new ByteArrayOutputStream();
        bytes.write(png, 0, 33);
        byte[] body =
                (type + new String(data, StandardCharsets.ISO_8859_1))
                        .getBytes(StandardCharsets.ISO_8859_1);
        var crc = new CRC32();
        crc.update(body);
        bytes.writeBytes(ByteBuffer.allocate(4).putInt(data.length).array());
        bytes.writeBytes(body);
        bytes.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
        bytes.write(png, 33, png.length - 33);
        return bytes.toByteArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg", "gif", "bmp", "tiff"})
    void cutFilesAreRefusedByName(String format) throws IOException {
        byte[] file = DrawnPictures.file(format, 40, 30);
        for (int length : new int[] {file.length / 2, file.length / 4}) {
            Picture picture = Picture.of("rows.jsonl:7: images[0]", Arrays.copyOf(file, length));
            String message =
                    assertThrows(DatasetException.class, picture::pixels, format).getMessage();
            assertTrue(message.startsWith("rows.jsonl:7: images[0]: "), message);
        }
    }

    @Test
    void filesThatAreNoPicturesAreRefusedWithWhatIsAccepted() {
        for (String text : new String[] {"", "GIF", "<svg/>", "%PDF-1.7"}) {
            Picture picture = Picture.of("a.svg", text.getBytes(StandardCharsets.UTF_8));
            String message = assertThrows(DatasetException.class, picture::size).getMessage();
            assertTrue(message.contains("accepted: PNG, JPEG"), message);
        }
    }

    /// A header of 13 bytes may promise 2^31 rows; nothing of that size is made.
    @Test
    void sizesThatNoMemoryHoldsAreRefusedBeforeDecoding() throws IOException {
        byte[] png = DrawnPictures.file("png", 2, 2);
        ByteBuffer.wrap(png).putInt(16, 200_000).putInt(20, 200_000);
        var crc = new CRC32();
        crc.update(png, 12, 17);
        ByteBuffer.wrap(png).putInt(29, (int) crc.getValue());
        Picture picture = Picture.of("bomb.png", png);
        assertThrows(DatasetException.class, picture::size);
        String message = assertThrows(DatasetException.class, picture::pixels).getMessage();
        assertTrue(message.contains("200000 x 200000") && message.contains("smaller"), message);
    }

    @Test
    void webpNamesThePlugIns() {
        byte[] file = "RIFF\0\0\0\0WEBPVP8L".getBytes(StandardCharsets.ISO_8859_1);
        String message =
                assertThrows(DatasetException.class, Picture.of("a.webp", file)::size).getMessage();
        assertTrue(message.startsWith("a.webp: ") && message.contains("imageio-webp"), message);
    }

    @Test
    void equalBytesAreEqualPictures() throws IOException {
        byte[] file = DrawnPictures.file("png", 2, 2);
        assertEquals(Picture.of("a", file), Picture.of("b", file.clone()));
        assertNotEquals(Picture.of("a", file), Picture.of("a", DrawnPictures.file("png", 2, 1)));
    }
}
