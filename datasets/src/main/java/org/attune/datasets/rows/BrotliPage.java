package org.attune.datasets.rows;

import com.aayushatharva.brotli4j.Brotli4jLoader;
import com.aayushatharva.brotli4j.decoder.BrotliInputStream;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;

/// A page that is compressed with Brotli. The decoder would unpack it whole, however large it
/// becomes, so what it unpacks to is counted first.
final class BrotliPage {
    private static final int PIECE = 1 << 14;

    private BrotliPage() {}

    /// @param page what is compressed
    /// @param said how much the page's header says that it unpacks to
    /// @throws IOException if it is more, or if there is no decoder for this machine
    static void check(String column, ByteBuffer page, long said) throws IOException {
        try {
            Brotli4jLoader.ensureAvailability();
        } catch (UnsatisfiedLinkError e) {
            throw new IOException(
                    "column %s is compressed with brotli, for which there is no decoder on this machine; write it again with zstd"
                            .formatted(column),
                    e);
        }
        if (unpacked(page, said) > said) {
            throw new IOException(
                    "column %s: a page of %d bytes is said to unpack to %d and is larger"
                            .formatted(column, page.remaining(), said));
        }
    }

    private static long unpacked(ByteBuffer page, long most) {
        long unpacked = 0;
        byte[] bytes = new byte[page.remaining()];
        page.get(page.position(), bytes);
        try (var in = new BrotliInputStream(new ByteArrayInputStream(bytes), PIECE)) {
            byte[] piece = new byte[PIECE];
            for (int read = 0; read >= 0 && unpacked <= most; read = in.read(piece)) {
                unpacked += read;
            }
        } catch (IOException e) {
            return unpacked; // a damaged page, or one that isn't compressed: the decoder sees
        }
        return unpacked;
    }
}
