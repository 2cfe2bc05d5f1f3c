package org.attune.trainers.report;

import org.attune.error.DatasetException;
import org.attune.files.AtomicFile;
import org.attune.images.Picture;
import org.attune.text.Conversation;
import org.attune.text.Message;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/// Small copies of the first pictures that a run looks at, in `completions/pictures`, for its page.
/// A copy is called by the picture's content, so a resumed run writes none twice. A text beside it
/// says in which file the picture is, if it is in one.
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
            Optional<Path> original = picture.path();
            if (original.isPresent()) {
                write(origin(file), original.get().toString().getBytes(StandardCharsets.UTF_8));
            }
            write(file, png);
            copies++;
            return name;
        } catch (IOException | DatasetException e) {
            return picture.name(); // a page without it is better than no run
        }
    }

    private static Path origin(Path copy) {
        return copy.resolveSibling(copy.getFileName().toString().replaceFirst("png$", "txt"));
    }

    private static void write(Path file, byte[] content) throws IOException {
        var bytes = ByteBuffer.wrap(content);
        AtomicFile.write(
                file,
                channel -> {
                    while (bytes.hasRemaining()) {
                        channel.write(bytes);
                    }
                });
    }

    /// The picture of which a run has a copy. A run's folder may come from a stranger, so a file
    /// whose content the copy isn't called by is none.
    ///
    /// @param name as [#name] gave it, or anything else
    static Optional<Picture> original(Path run, String name) {
        if (!NAME.matcher(name).matches()) {
            return Optional.empty();
        }
        try {
            Path origin = origin(run.resolve(name));
            if (!Files.exists(origin) || Files.size(origin) > LARGEST) {
                return Optional.empty();
            }
            Path file = Path.of(Files.readString(origin));
            var picture = Picture.at(file.toString(), file);
            String hash = Path.of(name).getFileName().toString().replaceFirst("\\.png$", "");
            return Files.isRegularFile(file) && picture.hash().startsWith(hash)
                    ? Optional.of(picture)
                    : Optional.empty();
        } catch (IOException | InvalidPathException | DatasetException e) {
            return Optional.empty(); // as if it were gone
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
