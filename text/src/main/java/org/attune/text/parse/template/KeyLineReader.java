package org.attune.text.parse.template;

import java.util.LinkedHashMap;
import java.util.Map;

/// Reads a key and a value from each line.
///
/// @param lineEnd what separates lines
/// @param separator what separates a key from its value
/// @param values reads the values
/// @param args settings of the text
record KeyLineReader(
        String lineEnd, String separator, ContentReader values, Map<String, Object> args)
        implements ContentReader {
    static KeyLineReader of(Map<String, Object> args) {
        if (!(args.getOrDefault("line_sep", "\n") instanceof String lineEnd)
                || !(args.getOrDefault("kv_sep", ":") instanceof String separator)
                || lineEnd.isEmpty()
                || separator.isEmpty()) {
            throw new IllegalArgumentException("line_sep and kv_sep must be texts");
        }
        return new KeyLineReader(lineEnd, separator, ContentReader.ofValues(args), args);
    }

    @Override
    public Object read(String text) {
        var result = new LinkedHashMap<String, Object>();
        int at = 0;
        while (at <= text.length()) {
            int end = text.indexOf(lineEnd, at);
            end = end < 0 ? text.length() : end;
            String line = ContentReader.stripped(text.substring(at, end), args);
            int split = line.indexOf(separator);
            if (split >= 0) {
                result.put(
                        ContentReader.stripped(line.substring(0, split), args),
                        values.read(
                                ContentReader.stripped(
                                        line.substring(split + separator.length()), args)));
            }
            at = end + lineEnd.length();
        }
        return result;
    }
}
