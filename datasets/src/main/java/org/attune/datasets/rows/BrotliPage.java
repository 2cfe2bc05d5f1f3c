package org.attune.datasets.rows;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/// A page that is compressed with Brotli. The decoder would unpack it whole, however large it
/// becomes, so what it unpacks to is counted first.
final class BrotliPage {
    private static final int PIECE = 1 << 14;
    private static final String LIBRARY = "com.aayushatharva.brotli4j.";

    private BrotliPage() {}

    /// @param page what is compressed
    /// @param said how much the page's header says that it unpacks to
    /// @throws IOException if it is more, or if there is no decoder for this machine
    static void check(String column, ByteBuffer page, long said) throws IOException {
        if (unpacked(column, page, said) > said) {
            throw new IOException(
                    "column %s: a page of %d bytes is said to unpack to %d and is larger"
                            .formatted(column, page.remaining(), said));
        }
    }

    private static long unpacked(String column, ByteBuffer page, long most) throws IOException {
        long unpacked = 0;
        byte[] bytes = new byte[page.remaining()];
        page.get(page.position(), bytes);
        try (InputStream in = decoder(column, new ByteArrayInputStream(bytes))) {
            byte[] piece = new byte[PIECE];
            for (int read = 0; read >= 0 && unpacked <= most; read = in.read(piece)) {
                unpacked += read;
            }
        } catch (NoDecoderException e) {
            throw e;
        } catch (IOException e) {
            return unpacked; // a damaged page, or one that isn't compressed: the decoder sees
        }
        return unpacked;
    }

    /// Codecs are there at run time only, so this one is looked up by name.
    private static InputStream decoder(String column, InputStream packed) throws IOException {
        try {
            Class.forName(LIBRARY + "Brotli4jLoader").getMethod("ensureAvailability").invoke(null);
            return Class.forName(LIBRARY + "decoder.BrotliInputStream")
                    .asSubclass(InputStream.class)
                    .getConstructor(InputStream.class, int.class)
                    .newInstance(packed, PIECE);
        } catch (ReflectiveOperationException e) {
            throw new NoDecoderException(column, e);
        }
    }

    private static final class NoDecoderException extends IOException {
        private static final long serialVersionUID = 1L;

        NoDecoderException(String column, Exception cause) {
            super(
                    "column %s is compressed with brotli, for which there is no decoder on this machine; write it again with zstd"
                            .formatted(column),
                    cause);
        }
    }
}
