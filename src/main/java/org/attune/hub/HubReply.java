package org.attune.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// An open reply, whose body is read by who asked.
///
/// @param url that replied in the end
/// @param status of HTTP
record HubReply(URI url, int status, HttpURLConnection connection) implements AutoCloseable {
    private static final int LARGEST_TEXT = 64 << 20;

    Optional<String> header(String name) {
        return Optional.ofNullable(connection.getHeaderField(name));
    }

    InputStream body() throws IOException {
        InputStream body =
                status >= 400 ? connection.getErrorStream() : connection.getInputStream();
        return body == null ? InputStream.nullInputStream() : body;
    }

    /// The body as text; what is too large for one is cut.
    String text() throws IOException {
        try (InputStream in = body()) {
            return new String(in.readNBytes(LARGEST_TEXT), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void close() {
        connection.disconnect();
    }
}
