package org.attune.datasets;

import org.attune.datasets.rows.RowFiles;
import org.attune.error.DatasetException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The files of one split in a folder, found as Hugging Face `datasets` finds them without a
/// loading script: by the words `train`, `test`, `validation` … in names and folders.
final class DataFiles {
    private static final Map<String, Pattern> SPLITS =
            Map.of(
                    "train", word("train|training"),
                    "validation", word("validation|valid|val|dev"),
                    "test", word("test|testing|eval|evaluation"));

    private static final Pattern SHARD =
            Pattern.compile("(?:^|[/\\\\])(\\w+)-\\d{5}-of-\\d{5}(?:-[0-9a-f]+)?\\.");

    private DataFiles() {}

    /// @param folder   where to look, with its subfolders
    /// @param subset   a configuration of the folder's card, a subfolder, or a prefix of file
    ///     names, that must match; or empty
    /// @param split    name of the split
    /// @throws DatasetException if there are none
    static List<Path> of(Path folder, Optional<String> subset, String split) {
        Optional<List<Path>> saved = SavedDataset.files(folder, subset, split);
        if (saved.isPresent()) {
            return saved.get();
        }
        List<Path> all = data(folder);
        Optional<DatasetCard> card = DatasetCard.in(folder);
        Optional<DatasetCard.Config> config = card.flatMap(one -> one.config(subset));
        if (config.isPresent()) {
            List<Path> inFolder =
                    all.stream()
                            .filter(
                                    f ->
                                            folder.relativize(f).startsWith(config.get().folder())
                                                    || config.get().folder().isEmpty())
                            .toList();
            return config.get().patterns().isEmpty()
                    ? ofSplit(folder, inFolder, split)
                    : card.get().files(config.get(), inFolder, split);
        }
        List<Path> chosen =
                subset.map(name -> all.stream().filter(f -> within(folder, f, name)).toList())
                        .orElse(all);
        if (chosen.isEmpty()) {
            throw new DatasetException(
                    "%s holds no data files%s; accepted are %s"
                            .formatted(
                                    folder,
                                    subset.map(name -> " of \"" + name + "\"").orElse(""),
                                    RowFiles.accepted()));
        }
        return ofSplit(folder, chosen, split);
    }

    private static List<Path> ofSplit(Path folder, List<Path> chosen, String split) {
        List<Path> named = chosen.stream().filter(f -> splitOf(folder, f).equals(split)).toList();
        if (!named.isEmpty()) {
            return named;
        }
        boolean anyNamed = chosen.stream().anyMatch(f -> !splitOf(folder, f).isEmpty());
        if (!anyNamed && split.equals("train")) {
            return chosen;
        }
        var splits = new TreeSet<String>();
        chosen.forEach(f -> splits.add(splitOf(folder, f)));
        splits.remove("");
        throw new DatasetException(
                "%s has no split \"%s\"; it has %s%s"
                        .formatted(
                                folder,
                                split,
                                splits.isEmpty() ? "only train" : String.join(", ", splits),
                                SavedDataset.advice(folder, chosen)));
    }

    private static List<Path> data(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> RowFiles.isSupported(file) && Files.isRegularFile(file))
                    .filter(file -> !isMetadata(file.getFileName().toString()))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new DatasetException(folder + ": can't be read: " + e.getMessage(), e);
        }
    }

    private static boolean isMetadata(String name) {
        return name.startsWith(".")
                || name.matches("cache-.*\\.arrow") // results of `map` in Hugging Face's cache
                || List.of(
                                "dataset_info.json",
                                "dataset_infos.json",
                                "state.json",
                                "license.txt",
                                "requirements.txt")
                        .contains(name.toLowerCase(Locale.ROOT));
    }

    private static boolean within(Path folder, Path file, String name) {
        Path relative = folder.relativize(file);
        return relative.startsWith(name)
                || relative.startsWith(Path.of("data", name))
                || relative.getFileName().toString().startsWith(name + ".")
                || relative.getFileName().toString().startsWith(name + "-");
    }

    /// The split a file belongs to, or "" if its path says nothing. Shards carry any name
    /// (`train_prefs-00000-of-00001.parquet`), other files one of the usual words.
    private static String splitOf(Path folder, Path file) {
        String path = folder.relativize(file).toString().toLowerCase(Locale.ROOT);
        Matcher shard = SHARD.matcher(path);
        if (shard.find()) {
            return shard.group(1);
        }
        return List.of("test", "validation", "train").stream()
                .filter(split -> SPLITS.get(split).matcher(path).find())
                .findFirst()
                .orElse("");
    }

    private static Pattern word(String words) {
        return Pattern.compile("(?:^|[^a-z0-9])(?:" + words + ")(?:$|[^a-z0-9])");
    }
}
