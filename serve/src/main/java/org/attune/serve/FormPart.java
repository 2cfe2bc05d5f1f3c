package org.attune.serve;

import com.sun.net.httpserver.HttpExchange;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A part of a form with files, `multipart/form-data` of RFC 7578.
///
/// @param filename given for files
record FormPart(Optional<String> filename, byte[] content) {
    private static final Pattern BOUNDARY =
            Pattern.compile("(?i)multipart/form-data;.*?boundary=\"?([^\";]{1,70})\"?.*");
    private static final Pattern NAME = Pattern.compile("(?i)[; ]name=\"([^\"]*)\"");
    private static final Pattern FILENAME = Pattern.compile("(?i)[; ]filename=\"([^\"]*)\"");
    private static final byte[] BLANK_LINE = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final int MOST_PARTS = 20;

    /// The content as text.
    String text() {
        return new String(content, StandardCharsets.UTF_8);
    }

    /// Reads a form.
    ///
    /// @param most bytes that it may have
    /// @return parts by name; of several with one name the last
    /// @throws ApiException if it is too large, or no form
    static Map<String, FormPart> of(HttpExchange exchange, int most)
            throws ApiException, IOException {
        String type =
                Optional.ofNullable(exchange.getRequestHeaders().getFirst("Content-Type"))
                        .orElse("");
        Matcher boundary = BOUNDARY.matcher(type);
        if (!boundary.matches()) {
            throw new ApiException(
                    415,
                    "unsupported_media_type",
                    "the Content-Type is \"%s\"; accepted: multipart/form-data with a boundary"
                            .formatted(type));
        }
        byte[] body = exchange.getRequestBody().readNBytes(most + 1);
        if (body.length > most) {
            throw new ApiException(
                    413,
                    "request_too_large",
                    "the form has more than %d MiB".formatted(most >> 20));
        }
        return parts(body, boundary.group(1));
    }

    private static Map<String, FormPart> parts(byte[] body, String boundary) throws ApiException {
        byte[] line = ("--" + boundary).getBytes(StandardCharsets.ISO_8859_1);
        byte[] between = ("\r\n--" + boundary).getBytes(StandardCharsets.ISO_8859_1);
        Map<String, FormPart> parts = new LinkedHashMap<>();
        int at = find(body, line, 0);
        while (at >= 0 && parts.size() < MOST_PARTS) {
            int start = at + line.length;
            if (start + 1 < body.length && body[start] == '-' && body[start + 1] == '-') {
                return parts;
            }
            int blank = find(body, BLANK_LINE, start);
            int end = blank < 0 ? -1 : find(body, between, blank + 2);
            if (end < 0) {
                break;
            }
            String head = new String(body, start, blank - start, StandardCharsets.UTF_8);
            Matcher name = NAME.matcher(head);
            if (name.find()) {
                Matcher file = FILENAME.matcher(head);
                byte[] content =
                        Arrays.copyOfRange(body, Math.min(blank + BLANK_LINE.length, end), end);
                Optional<String> filename =
                        file.find() ? Optional.of(file.group(1)) : Optional.empty();
                parts.put(name.group(1), new FormPart(filename, content));
            }
            at = end + 2;
        }
        throw ApiException.bad(null, "the form doesn't end with its boundary");
    }

    private static int find(byte[] body, byte[] wanted, int from) {
        for (int i = Math.max(0, from); i + wanted.length <= body.length; i++) {
            if (Arrays.equals(body, i, i + wanted.length, wanted, 0, wanted.length)) {
                return i;
            }
        }
        return -1;
    }
}
