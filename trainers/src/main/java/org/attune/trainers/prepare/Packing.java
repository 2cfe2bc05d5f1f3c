package org.attune.trainers.prepare;

import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.SftExample;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Puts documents together into rows of a given length, as TRL's `pack_dataset` does: batch by
/// batch of 1000 documents, so that the result depends on their order only locally.
final class Packing {
    /// Documents that are packed together.
    static final int BATCH = 1000;

    private Packing() {}

    /// Packs `documents`; empty ones are left out.
    ///
    /// @param length   tokens of a row at most, ≥ 1
    public static List<PackedRow> pack(
            List<SftExample> documents, int length, PackingStrategy strategy) {
        return packTaking(new ArrayList<>(documents), length, strategy);
    }

    /// Packs `documents`, taking them out of the list, so that each batch can be collected when it
    /// is packed.
    ///
    /// @param documents can be changed; empty afterwards
    static List<PackedRow> packTaking(
            List<SftExample> documents, int length, PackingStrategy strategy) {
        var rows = new ArrayList<PackedRow>();
        for (int start = 0; start < documents.size(); start += BATCH) {
            List<SftExample> given =
                    documents.subList(start, Math.min(documents.size(), start + BATCH));
            List<SftExample> batch =
                    given.stream().filter(document -> document.length() > 0).toList();
            Collections.fill(given, null);
            rows.addAll(
                    switch (strategy) {
                        case BFD -> bestFit(truncated(batch, length), length);
                        case BFD_SPLIT -> bestFit(split(batch, length), length);
                        case WRAPPED -> wrapped(batch, length);
                    });
        }
        documents.clear();
        return rows;
    }

    private static List<SftExample> truncated(List<SftExample> batch, int length) {
        return batch.stream()
                .map(doc -> doc.length() <= length ? doc : doc.slice(0, length))
                .toList();
    }

    private static List<SftExample> split(List<SftExample> batch, int length) {
        var pieces = new ArrayList<SftExample>();
        for (SftExample document : batch) {
            for (int from = 0; from < document.length(); from += length) {
                pieces.add(document.slice(from, Math.min(document.length(), from + length)));
            }
        }
        return pieces;
    }

    /// Best-fit decreasing: each document goes into the row with the least room that still holds
    /// it; of equal ones, into the row that got this little room first.
    private static List<PackedRow> bestFit(List<SftExample> documents, int length) {
        var rows = new ArrayList<List<SftExample>>();
        var byRoom = new TreeMap<Integer, Deque<List<SftExample>>>();
        var longestFirst =
                documents.stream()
                        .sorted(Comparator.comparingInt(SftExample::length).reversed())
                        .toList();
        for (SftExample document : longestFirst) {
            Map.Entry<Integer, Deque<List<SftExample>>> fit =
                    byRoom.ceilingEntry(document.length());
            List<SftExample> row;
            int room;
            if (fit == null) {
                row = new ArrayList<>();
                rows.add(row);
                room = length;
            } else {
                room = fit.getKey();
                row = fit.getValue().removeFirst();
                if (fit.getValue().isEmpty()) {
                    byRoom.remove(room);
                }
            }
            row.add(document);
            int left = room - document.length();
            if (left > 0) {
                byRoom.computeIfAbsent(left, _ -> new ArrayDeque<>()).addLast(row);
            }
        }
        return rows.stream().map(PackedRow::new).toList();
    }

    private static List<PackedRow> wrapped(List<SftExample> batch, int length) {
        int total = batch.stream().mapToInt(SftExample::length).sum();
        int[] ids = new int[total];
        boolean[] mask = new boolean[total];
        boolean weighted = batch.stream().anyMatch(SftExample::isWeighted);
        float[] weights = new float[weighted ? total : 0];
        var starts = new TreeMap<Integer, SftExample>();
        int at = 0;
        for (SftExample document : batch) {
            System.arraycopy(document.ids(), 0, ids, at, document.length());
            System.arraycopy(document.completionMask(), 0, mask, at, document.length());
            for (int i = 0; weighted && i < document.length(); i++) {
                weights[at + i] = document.weight(i);
            }
            starts.put(at, document);
            at += document.length();
        }
        var rows = new ArrayList<PackedRow>();
        for (int from = 0; from < total; from += length) {
            int to = Math.min(total, from + length);
            var piece =
                    new SftExample(
                            Arrays.copyOfRange(ids, from, to),
                            Arrays.copyOfRange(mask, from, to),
                            weighted ? Arrays.copyOfRange(weights, from, to) : weights,
                            starts.floorEntry(from).getValue().origin());
            rows.add(new PackedRow(List.of(piece)));
        }
        return rows;
    }
}
