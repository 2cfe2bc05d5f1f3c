package org.attune.policy;

import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;

/// Teachers of which each has read some rows of a forest. They tell the same categories apart.
///
/// @param parts closed with this
/// @param runs the forest's targets, in order
record JoinedTeachers(List<Teacher> parts, List<Run> runs) implements Teacher {
    /// Targets that one teacher has read one after the other.
    ///
    /// @param teacher its number among the parts
    /// @param start of the targets in the forest
    /// @param own start of the targets among those that the teacher has read
    /// @param size how many there are
    record Run(int teacher, int start, int own, int size) {
        int end() {
            return start + size;
        }
    }

    /// @param whose number of each row's teacher
    /// @param sizes targets of each row
    static JoinedTeachers of(List<Teacher> parts, int[] whose, int[] sizes) {
        List<Run> runs = new ArrayList<>();
        int[] read = new int[parts.size()];
        int start = 0;
        for (int i = 0; i < whose.length; i++) {
            runs.add(new Run(whose[i], start, read[whose[i]], sizes[i]));
            read[whose[i]] += sizes[i];
            start += sizes[i];
        }
        for (int k = 0; k < read.length; k++) {
            if (parts.get(k).targets() != read[k]) {
                throw new IllegalArgumentException(
                        "teacher %d has read %d targets, its rows have %d"
                                .formatted(k, parts.get(k).targets(), read[k]));
            }
        }
        return new JoinedTeachers(List.copyOf(parts), List.copyOf(runs));
    }

    @Override
    public int targets() {
        return runs.isEmpty() ? 0 : runs.getLast().end();
    }

    /// What a chunk has of a run.
    ///
    /// @param at where it begins in the chunk
    /// @param own where it begins among the targets of its teacher
    private record Piece(Teacher teacher, int at, int own, int size) {
        Tensor of(Tensor rows) {
            return rows.narrow(0, at, size);
        }
    }

    private List<Piece> pieces(int from, long n) {
        List<Piece> pieces = new ArrayList<>();
        for (Run run : runs) {
            int start = Math.max(from, run.start());
            int end = (int) Math.min(from + n, run.end());
            if (start < end) {
                pieces.add(
                        new Piece(
                                parts.get(run.teacher()),
                                start - from,
                                run.own() + start - run.start(),
                                end - start));
            }
        }
        return pieces;
    }

    @Override
    public Compared compared(Tensor z, int from, double temperature) {
        List<Tensor> student = new ArrayList<>();
        List<Tensor> teacher = new ArrayList<>();
        for (Piece piece : pieces(from, z.size(0))) {
            Compared own = piece.teacher().compared(piece.of(z), piece.own(), temperature);
            student.add(own.student());
            teacher.add(own.teacher());
        }
        return new Compared(cat(student), cat(teacher)); // (n, C)
    }

    @Override
    public Tensor slopes(Tensor z, Compared compared, Tensor weighted, int from) {
        List<Tensor> slopes = new ArrayList<>();
        for (Piece piece : pieces(from, z.size(0))) {
            var own = new Compared(piece.of(compared.student()), piece.of(compared.teacher()));
            slopes.add(piece.teacher().slopes(piece.of(z), own, piece.of(weighted), piece.own()));
        }
        return cat(slopes); // (n, V)
    }

    private static Tensor cat(List<Tensor> parts) {
        return parts.size() == 1 ? parts.getFirst() : Tensor.cat(0, parts.toArray(Tensor[]::new));
    }

    @Override
    public void close() {
        parts.forEach(Teacher::close);
    }
}
