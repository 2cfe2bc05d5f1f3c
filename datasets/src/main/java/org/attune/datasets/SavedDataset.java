package org.attune.datasets;

import org.attune.datasets.rows.JsonValues;
import org.attune.error.DatasetException;
import org.attune.error.Excerpt;
import org.attune.files.GivenText;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A folder that `save_to_disk` of Hugging Face `datasets` wrote. `state.json` lists its files,
/// which are streams of Arrow; a data set with splits has such a folder for each, and
/// `dataset_dict.json` lists these. Formats that are noted there (`_format_columns`) choose what
/// Python shows, not what training reads.
final class SavedDataset {
    private static final String STATE = "state.json";
    private static final String SPLITS = "dataset_dict.json";
    private static final List<String> INDICES = List.of("_indices_files", "_indices_data_files");

    private SavedDataset() {}

    /// The files of a split, in their order, if `folder` is one of these.
    ///
    /// @param subset what the run asks for by `name:`, which such a folder doesn't have
    /// @throws DatasetException if the folder isn't whole or has no such split
    static Optional<List<Path>> files(Path folder, Optional<String> subset, String split) {
        boolean splits = Files.isRegularFile(folder.resolve(SPLITS));
        if (!splits && !isOne(folder)) {
            return Optional.empty();
        }
        if (subset.isPresent()) {
            throw new DatasetException(
                    "%s is a data set of save_to_disk and has no part \"%s\"; remove name:%s"
                            .formatted(folder, subset.get(), splits ? ", or use split:" : ""));
        }
        return Optional.of(splits ? split(folder, split) : listed(folder, split));
    }

    /// Whether a folder is a saved data set without splits.
    static boolean isOne(Path folder) {
        Path file = folder.resolve(STATE);
        return Files.isRegularFile(file) && object(file).containsKey("_data_files");
    }

    private static List<Path> split(Path folder, String split) {
        Path file = folder.resolve(SPLITS);
        List<String> names = texts(object(file).get("splits"), file + ": splits");
        if (!names.contains(split)) {
            throw new DatasetException(
                    "%s has no split \"%s\"; it has %s, which split: chooses"
                            .formatted(folder, split, String.join(", ", names)));
        }
        Path part = inside(folder, split, file);
        if (!isOne(part)) {
            throw new DatasetException(
                    "%s lists the split %s, but %s is missing; save or copy the data set again"
                            .formatted(file, split, part.resolve(STATE)));
        }
        return listed(part, split);
    }

    /// @param split what is asked for; `train`, the usual one, is also given by folders that are
    ///     of another or of none
    private static List<Path> listed(Path folder, String split) {
        Path file = folder.resolve(STATE);
        Map<?, ?> state = object(file);
        String own = state.get("_split") instanceof String text ? text : "train";
        if (!split.equals("train") && !split.equals(own) && !folder.endsWith(split)) {
            throw new DatasetException(
                    "%s has no split \"%s\"; it is one data set, of the split %s"
                            .formatted(folder, split, own));
        }
        if (INDICES.stream().anyMatch(key -> state.get(key) instanceof List<?> l && !l.isEmpty())) {
            throw new DatasetException(
                    file
                            + ": an old version of datasets saved an order of the rows beside them,"
                            + " which isn't read; load it in Python and save it again");
        }
        var files = new ArrayList<Path>();
        if (!(state.get("_data_files") instanceof List<?> list)) {
            throw new DatasetException(file + ": _data_files is no list");
        }
        for (Object entry : list) {
            String name =
                    entry instanceof Map<?, ?> map && map.get("filename") instanceof String text
                            ? text
                            : "";
            Path data = inside(folder, name, file);
            if (!Files.isRegularFile(data)) {
                throw new DatasetException(
                        "%s lists %s, which isn't there; save or copy the data set again"
                                .formatted(file, Excerpt.of(name)));
            }
            files.add(data);
        }
        return files;
    }

    private static Path inside(Path folder, String name, Path list) {
        if (name.isEmpty() || name.contains("/") || name.contains("\\") || name.contains("..")) {
            throw new DatasetException(
                    "%s: %s is no name of something in its folder"
                            .formatted(list, Excerpt.of(name)));
        }
        return folder.resolve(name);
    }

    private static List<String> texts(Object value, String where) {
        if (value instanceof List<?> list && list.stream().allMatch(String.class::isInstance)) {
            return list.stream().map(String.class::cast).toList();
        }
        throw new DatasetException(where + ": a list of names is accepted");
    }

    private static Map<?, ?> object(Path file) {
        try {
            return JsonValues.parse(GivenText.read(file), file.toString())
                            instanceof Map<?, ?> object
                    ? object
                    : Map.of();
        } catch (IOException e) {
            throw new DatasetException(file + ": can't be read: " + e.getMessage(), e);
        }
    }

    /// What to do about Arrow files in a folder that isn't a saved data set itself, or "".
    ///
    /// @param files those found in it and below
    static String advice(Path folder, List<Path> files) {
        List<String> below =
                files.stream()
                        .map(Path::getParent)
                        .distinct()
                        .filter(SavedDataset::isOne)
                        .map(Path::toString)
                        .toList();
        if (!below.isEmpty()) {
            return "; it holds data sets of save_to_disk, name one of them: "
                    + String.join(", ", below);
        }
        return files.stream().anyMatch(f -> f.getFileName().toString().matches("data-.*\\.arrow"))
                ? "; if save_to_disk wrote it, it did not end: %s is missing"
                        .formatted(folder.resolve(STATE))
                : "";
    }
}
