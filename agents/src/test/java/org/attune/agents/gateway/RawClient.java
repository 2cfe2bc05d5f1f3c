package org.attune.agents.gateway;

import org.attune.json.Json;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/// A client of which every byte is seen.
public final class RawClient {
    private RawClient() {}

    /// What a server sends.
    public static BufferedReader reader(Socket socket) throws IOException {
        return new BufferedReader(
                new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    /// Asks for a chat completion.
    ///
    /// @param url of the endpoint
    public static Socket post(String url, String key, String body) throws IOException {
        URI uri = URI.create(url);
        var socket = new Socket(uri.getHost(), uri.getPort());
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        String head =
                "POST %s/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
                        .formatted(uri.getPath(), key, bytes.length);
        socket.getOutputStream().write(head.getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
        return socket;
    }

    /// The next event, without headers, comments and the lengths of pieces.
    public static String event(BufferedReader in) throws IOException {
        String line;
        do {
            line = in.readLine();
        } while (line != null && !line.startsWith("data: "));
        return line;
    }

    public static Map<?, ?> choice(BufferedReader in) throws IOException {
        Map<?, ?> chunk = (Map<?, ?>) Json.parse(event(in).substring("data: ".length()));
        return (Map<?, ?>) ((List<?>) chunk.get("choices")).getFirst();
    }

    public static Map<?, ?> delta(BufferedReader in) throws IOException {
        return (Map<?, ?>) choice(in).get("delta");
    }
}
