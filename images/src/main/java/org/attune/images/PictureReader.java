package org.attune.images;

import org.attune.error.DatasetException;
import org.attune.images.Picture.Size;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;
import java.util.concurrent.Callable;

import javax.imageio.IIOException;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;

/// Reads one picture. Whatever is wrong with a stranger's file ends in one kind of error, which
/// names the picture. Close it: readers hold native memory.
final class PictureReader implements AutoCloseable {
    /// More would be half a gigabyte of pixels, and no vision encoder sees as many. Pillow warns
    /// from here on.
    static final long MOST_PIXELS = 89_478_485;

    /// Bytes that one of a PNG's becomes at most: Deflate repeats 258 bytes by two bits.
    private static final int MOST_INFLATED = 1032;

    private static final int PNG_BITS = 24; // place in the file
    private static final int PNG_COLOURS = 25;

    private final String name;
    private final PictureFormat format;
    private final Chunks chunks;
    private final ImageReader reader;
    private boolean isCut;

    private PictureReader(String name, PictureFormat format, Chunks chunks, ImageReader reader) {
        this.name = name;
        this.format = format;
        this.chunks = chunks;
        this.reader = reader;
    }

    static PictureReader open(String name, byte[] file) {
        PictureFormat format = PictureFormat.of(name, file);
        Chunks chunks = guarded(name, format, () -> Chunks.of(format, file));
        return guarded(
                name,
                format,
                () -> {
                    var reader = new PictureReader(name, format, chunks, format.reader(name));
                    reader.begin();
                    return reader;
                });
    }

    private void begin() {
        // not a stream of ImageIO's own choice: that would write the bytes to disk first
        reader.setInput(
                new MemoryCacheImageInputStream(new ByteArrayInputStream(chunks.file())),
                false,
                format != PictureFormat.GIF);
        reader.addIIOReadWarningListener(
                (_, warning) -> isCut |= warning.toLowerCase(Locale.ROOT).contains("truncated"));
    }

    Size size() {
        Size stored = guarded(name, format, this::stored);
        return chunks.orientation() >= 5
                ? new Size(/* width= */ stored.height(), /* height= */ stored.width())
                : stored;
    }

    private Size stored() throws IOException {
        Size size = new Size(reader.getWidth(0), reader.getHeight(0));
        if (format == PictureFormat.GIF) {
            requireFew(size);
            size = screen();
        }
        requireFew(size);
        return size;
    }

    private static void requireFew(Size size) {
        if (size.width() < 1 || size.height() < 1) {
            throw new BrokenPictureException("its size is " + size);
        }
        if ((long) size.width() * size.height() > MOST_PIXELS) {
            throw new BrokenPictureException(
                    "its %s are more than %,d pixels, the most that are read; make it smaller"
                            .formatted(size, MOST_PIXELS));
        }
    }

    Pixels read() {
        return guarded(
                name,
                format,
                () -> {
                    Size size = stored();
                    requireEnough(size);
                    Pixels pixels = decoded(size);
                    if (isCut) {
                        throw new BrokenPictureException("the file ends before the picture does");
                    }
                    return pixels.turned(chunks.orientation());
                });
    }

    /// A smaller PNG isn't whole, which its decoder would find out after taking memory for all
    /// pixels that the header names.
    private void requireEnough(Size size) {
        if (format != PictureFormat.PNG) {
            return;
        }
        byte[] file = chunks.file();
        int channels =
                switch (file[PNG_COLOURS]) {
                    case 2 -> 3;
                    case 4 -> 2;
                    case 6 -> 4;
                    default -> 1;
                };
        long bits = (long) size.width() * size.height() * channels * file[PNG_BITS];
        if (bits / 8 > (long) MOST_INFLATED * file.length) {
            throw new BrokenPictureException("the file ends before the picture does");
        }
    }

    private Pixels decoded(Size size) throws IOException {
        if (format == PictureFormat.JPEG && chunks.components() == 4) {
            Raster raster = reader.readRaster(0, null);
            return Samples.ofInks(raster, isYcck());
        }
        if (format == PictureFormat.TIFF) {
            requireFewBands();
        }
        BufferedImage image = reader.read(0);
        if (image.getWidth() == size.width() && image.getHeight() == size.height()) {
            return Samples.of(image);
        }
        if (format != PictureFormat.GIF) {
            throw new BrokenPictureException("its size isn't what its header says");
        }
        return onScreen(image, size);
    }

    /// Memory is taken for all bands before one is read.
    private void requireFewBands() throws IOException {
        int bands = reader.getRawImageType(0).getNumBands();
        if (bands > 4) {
            throw new BrokenPictureException("it has %d channels".formatted(bands));
        }
    }

    /// Adobe's segment says by its last byte how four components are meant; the rest of Adobe's
    /// programs' data is gone by now.
    private boolean isYcck() {
        byte[] file = chunks.file();
        for (int at = 2; at + 16 <= file.length && (file[at + 1] & 255) != 0xDA; ) {
            if ((file[at + 1] & 255) == 0xEE && file[at + 4] == 'A') {
                return file[at + 15] == 2;
            }
            at += 2 + (ByteBuffer.wrap(file).getShort(at + 2) & 0xFFFF);
        }
        return false;
    }

    /// The size of the screen that a GIF's frames are parts of.
    private Size screen() {
        ByteBuffer header = ByteBuffer.wrap(chunks.file()).order(ByteOrder.LITTLE_ENDIAN);
        return new Size(header.getShort(6) & 0xFFFF, header.getShort(8) & 0xFFFF);
    }

    private Pixels onScreen(BufferedImage frame, Size screen) throws IOException {
        var descriptor =
                (org.w3c.dom.Element)
                        reader.getImageMetadata(0)
                                .getAsTree("javax_imageio_gif_image_1.0")
                                .getFirstChild();
        var place =
                new Size(
                        Integer.parseInt(descriptor.getAttribute("imageLeftPosition")),
                        Integer.parseInt(descriptor.getAttribute("imageTopPosition")));
        var empty = new BufferedImage(1, 1, frame.getType(), colours(frame));
        Pixels colour = Samples.of(empty);
        Pixels canvas = Pixels.black(screen.width(), screen.height());
        for (int i = 0; i < canvas.rgb().length; i++) {
            canvas.rgb()[i] = colour.rgb()[i % Pixels.CHANNELS];
        }
        return Samples.of(frame).onto(canvas, place.width(), place.height());
    }

    private static java.awt.image.IndexColorModel colours(BufferedImage frame) {
        return (java.awt.image.IndexColorModel) frame.getColorModel();
    }

    /// Decoders answer damage with exceptions of many kinds, and with arrays of any size that a
    /// header asks for.
    private static <T> T guarded(String name, PictureFormat format, Callable<T> work) {
        try {
            return work.call();
        } catch (DatasetException e) {
            throw e;
        } catch (BrokenPictureException e) {
            throw new DatasetException("%s: %s: %s".formatted(name, format, e.getMessage()), e);
        } catch (IIOException e) {
            throw broken(name, format, e.getMessage(), e);
        } catch (Exception | OutOfMemoryError | StackOverflowError e) {
            throw broken(name, format, e.toString(), e);
        }
    }

    private static DatasetException broken(
            String name, PictureFormat format, String why, Throwable cause) {
        return new DatasetException(
                "%s: the %s picture is broken or cut off: %s".formatted(name, format, why), cause);
    }

    @Override
    public void close() {
        reader.dispose();
    }
}
