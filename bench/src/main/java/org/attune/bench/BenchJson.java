package org.attune.bench;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.BeanProperty;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.ContextualDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;

import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.files.AtomicFile;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Benchmarks as JSON: paths as text, absent values as null.
public final class BenchJson {
    private static final ObjectMapper MAPPER =
            Json.MAPPER
                    .rebuild()
                    .addModule(module())
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .build();

    private BenchJson() {}

    private static SimpleModule module() {
        var module = new SimpleModule();
        module.addSerializer(Path.class, ToStringSerializer.instance);
        module.addDeserializer(Path.class, new PathReader());
        module.addSerializer(Optional.class, new OptionalWriter());
        module.addDeserializer(Optional.class, new OptionalReader(null));
        return module;
    }

    /// Writes a record.
    public static void write(Path file, Object value) {
        try {
            AtomicFile.writeText(file, MAPPER.writeValueAsString(value) + "\n");
        } catch (IOException e) {
            throw new AttuneException(file + " can't be written: " + e.getMessage(), e);
        }
    }

    /// A record in one line.
    static String line(Object value) {
        try {
            return MAPPER.writer()
                    .without(SerializationFeature.INDENT_OUTPUT)
                    .writeValueAsString(value);
        } catch (IOException e) {
            throw new IllegalStateException("a record that JSON can't hold", e);
        }
    }

    /// Reads a record.
    public static <T> T read(Path file, Class<T> type) {
        try {
            return MAPPER.readValue(file.toFile(), type);
        } catch (IOException e) {
            throw new AttuneException(
                    "%s can't be read as %s: %s; give a file that attune bench wrote"
                            .formatted(file, type.getSimpleName(), e.getMessage()),
                    e);
        }
    }

    /// Reads an object.
    ///
    /// @param where it was given, for messages
    /// @throws ConfigException if it is none
    public static Map<String, Object> object(String text, String where) {
        try {
            return MAPPER.readValue(text, new TypeReference<LinkedHashMap<String, Object>>() {});
        } catch (IOException e) {
            throw new ConfigException(
                    "%s: %s is no JSON object: %s".formatted(where, text, e.getMessage()), e);
        }
    }

    /// Reads JSON of any form.
    static <T> T parse(String text, Class<T> type) {
        try {
            return MAPPER.readValue(text, type);
        } catch (IOException e) {
            throw new AttuneException("no JSON: " + text, e);
        }
    }

    private static final class PathReader extends JsonDeserializer<Path> {
        @Override
        public Path deserialize(JsonParser parser, DeserializationContext context)
                throws IOException {
            return Path.of(parser.getText());
        }
    }

    @SuppressWarnings("rawtypes") // so Jackson registers generic types
    private static final class OptionalWriter extends JsonSerializer<Optional> {
        @Override
        public void serialize(Optional value, JsonGenerator out, SerializerProvider provider)
                throws IOException {
            out.writePOJO(value.isPresent() ? value.get() : null);
        }
    }

    @SuppressWarnings("rawtypes") // so Jackson registers generic types
    private static final class OptionalReader extends JsonDeserializer<Optional>
            implements ContextualDeserializer {
        private final JavaType content;

        OptionalReader(JavaType content) {
            this.content = content;
        }

        @Override
        public JsonDeserializer<?> createContextual(
                DeserializationContext context, BeanProperty property) {
            return new OptionalReader(context.getContextualType().containedType(0));
        }

        @Override
        public Optional deserialize(JsonParser parser, DeserializationContext context)
                throws IOException {
            return Optional.of(context.<Object>readValue(parser, content));
        }

        @Override
        public Optional getNullValue(DeserializationContext context) {
            return Optional.empty();
        }

        @Override
        public Object getAbsentValue(DeserializationContext context) {
            return Optional.empty();
        }
    }
}
