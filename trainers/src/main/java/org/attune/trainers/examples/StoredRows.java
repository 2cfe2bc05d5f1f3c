package org.attune.trainers.examples;

import org.attune.datasets.rows.RowOrigin;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.RandomAccess;

/// Rows of SFT that need not fit into memory: beyond some megabytes they lie in a file, 4 bytes a
/// token where all tokens count. Each [#get] makes the row anew.
public final class StoredRows extends AbstractList<PackedRow> implements RandomAccess {
    /// Bytes that are held in memory before a file is made.
    public static final int HELD = 4 << 20;

    private static final int ENTRY = Long.BYTES + 2 * Integer.BYTES;
    private static final int EVEN = 1;
    private static final int WEIGHTED = 2;

    private final ByteStore bytes;
    private final ByteStore entries;
    private final List<String> files = new ArrayList<>();
    private final Map<String, Integer> numbers = new LinkedHashMap<>();
    private int size;

    /// No rows yet.
    ///
    /// @param folder where a file may lie; if it isn't there, in the system's folder for such files
    /// @param held bytes that stay in memory at most, for the rows and again for their places
    public StoredRows(Path folder, int held) {
        bytes = new ByteStore(folder, held);
        entries = new ByteStore(folder, held);
    }

    /// The rows as a list that nobody changes: themselves where they are stored or streamed, else a
    /// copy.
    public static <T> List<T> unchanged(List<T> rows) {
        return rows instanceof StoredRows || rows instanceof RowStream ? rows : List.copyOf(rows);
    }

    /// Lengths of rows in tokens, without making the rows where they are stored.
    public static int[] lengths(List<? extends TrainingRow> rows) {
        if (rows instanceof StoredRows stored) {
            int[] lengths = new int[stored.size];
            for (int i = 0; i < lengths.length; i++) {
                lengths[i] = stored.entry(i).getInt(Long.BYTES + Integer.BYTES);
            }
            return lengths;
        }
        return rows.stream().mapToInt(TrainingRow::length).toArray();
    }

    @Override
    public boolean add(PackedRow row) {
        byte[] piece = written(row);
        long at = bytes.append(piece);
        entries.append(
                ByteBuffer.allocate(ENTRY)
                        .putLong(at)
                        .putInt(piece.length)
                        .putInt(row.length())
                        .array());
        size = Math.incrementExact(size);
        return true;
    }

    @Override
    public PackedRow get(int index) {
        ByteBuffer entry = entry(index);
        ByteBuffer piece = ByteBuffer.wrap(bytes.read(entry.getLong(), entry.getInt()));
        var documents = new ArrayList<SftExample>();
        for (int left = piece.getInt(); left > 0; left--) {
            documents.add(document(piece));
        }
        return new PackedRow(documents);
    }

    @Override
    public int size() {
        return size;
    }

    /// Bytes that are held in memory.
    public long held() {
        return (long) bytes.held() + entries.held();
    }

    private ByteBuffer entry(int index) {
        if (index < 0 || index >= size) {
            throw new IndexOutOfBoundsException("row %d of %d".formatted(index, size));
        }
        return ByteBuffer.wrap(entries.read((long) index * ENTRY, ENTRY));
    }

    private byte[] written(PackedRow row) {
        int length = Integer.BYTES;
        for (SftExample document : row.documents()) {
            length += 3 * Integer.BYTES + 2 * Long.BYTES + Integer.BYTES * document.length();
            length += isEven(document) ? 0 : document.length();
            length += Float.BYTES * document.weights().length;
        }
        ByteBuffer piece = ByteBuffer.allocate(length).putInt(row.documents().size());
        row.documents().forEach(document -> write(document, piece));
        return piece.array();
    }

    private void write(SftExample document, ByteBuffer piece) {
        boolean even = isEven(document);
        piece.putInt(document.length())
                .putInt((even ? EVEN : 0) | (document.isWeighted() ? WEIGHTED : 0))
                .putInt(number(document.origin().file()))
                .putLong(document.origin().line())
                .putLong(document.origin().row());
        for (int id : document.ids()) {
            piece.putInt(id);
        }
        for (int i = 0; !even && i < document.length(); i++) {
            piece.put((byte) (document.completionMask()[i] ? 1 : 0));
        }
        for (float weight : document.weights()) {
            piece.putFloat(weight);
        }
    }

    private SftExample document(ByteBuffer piece) {
        int length = piece.getInt();
        int form = piece.getInt();
        var origin = new RowOrigin(files.get(piece.getInt()), piece.getLong(), piece.getLong());
        int[] ids = new int[length];
        piece.asIntBuffer().get(ids);
        piece.position(piece.position() + Integer.BYTES * length);
        boolean[] mask = new boolean[length];
        for (int i = 0; i < length; i++) {
            mask[i] = (form & EVEN) != 0 || piece.get() != 0;
        }
        float[] weights = new float[(form & WEIGHTED) != 0 ? length : 0];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = piece.getFloat();
        }
        return new SftExample(ids, mask, weights, origin);
    }

    private int number(String file) {
        return numbers.computeIfAbsent(
                file,
                name -> {
                    files.add(name);
                    return files.size() - 1;
                });
    }

    private static boolean isEven(SftExample document) {
        for (boolean counts : document.completionMask()) {
            if (!counts) {
                return false;
            }
        }
        return true;
    }
}
