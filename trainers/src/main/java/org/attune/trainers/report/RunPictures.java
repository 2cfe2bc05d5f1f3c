package org.attune.trainers.report;

import org.attune.error.DatasetException;
import org.attune.files.AtomicFile;
import org.attune.images.Picture;
import org.attune.text.Conversation;
import org.attune.text.Message;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/// Small copies of the first pictures that a run looks at, in `completions/pictures`, for its page.
/// A copy is called by the picture's content, so a resumed run writes none twice.
final class RunPictures {
    private static final String FOLDER = CompletionsFile.FOLDER + "/pictures";

    private static final Pattern NAME = Pattern.compile(FOLDER + "/[0-9a-f]{16}\\.png");

    /// Copies of a run.
    private static final int MOST = 200;

    /// Pixels of a copy's longer side.
    private static final int SIDE = 128;

    private static final int LARGEST = 100_000;

    private final Path run;
    private final Map<String, String> known = new LinkedHashMap<>();
    private int copies;

    /// @param run its `output_dir`
    RunPictures(Path run) {
        this.run = run;
    }

    /// A message's fields, in which names stand in the places of pictures: that of the copy, or
    /// where the picture comes from.
    Map<String, Object> fields(Message message) {
        if (Conversation.pictures(message).isEmpty()) {
            return message.fields();
        }
        List<Object> parts = new ArrayList<>();
        for (Object part : (List<?>) message.fields().get("content")) {
            if (part instanceof Map<?, ?> map && map.get("image") instanceof Picture picture) {
                parts.add(part(name(picture)));
            } else {
                parts.add(part);
            }
        }
        Map<String, Object> fields = new LinkedHashMap<>(message.fields());
        fields.put("content", parts);
        return fields;
    }

    private static Map<String, Object> part(String name) {
        Map<String, Object> part = new LinkedHashMap<>();
        part.put("type", "image");
        part.put("image", name);
        return part;
    }

    /// The name of a picture's copy in the run's folder, which is written if there is room; else
    /// where the picture comes from.
    String name(Picture picture) {
        return known.computeIfAbsent(picture.hash(), _ -> copied(picture));
    }

    private String copied(Picture picture) {
        String name = "%s/%s.png".formatted(FOLDER, picture.hash().substring(0, 16));
        Path file = run.resolve(name);
        if (Files.exists(file)) {
            copies++;
            return name;
        }
        if (copies >= MOST) {
            return picture.name();
        }
        try {
            Files.createDirectories(file.getParent());
            byte[] png = picture.thumbnail(SIDE);
            AtomicFile.write(file, channel -> write(channel, ByteBuffer.wrap(png)));
            copies++;
            return name;
        } catch (IOException | DatasetException e) {
            return picture.name(); // a page without it is better than no run
        }
    }

    private static void write(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /// The file of a copy.
    ///
    /// @param name as [#name] gave it, or anything else
    /// @return empty if it is no copy, isn't there, or is larger than copies are
    static Optional<byte[]> read(Path run, String name) {
        if (!NAME.matcher(name).matches()) {
            return Optional.empty();
        }
        try {
            Path file = run.resolve(name);
            return Files.size(file) > LARGEST
                    ? Optional.empty()
                    : Optional.of(Files.readAllBytes(file));
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
