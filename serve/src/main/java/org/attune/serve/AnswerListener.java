package org.attune.serve;

import org.attune.error.RolloutException;
import org.attune.images.Picture;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.generation.Ticket;
import org.attune.text.Tokenizer;

import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/// Makes text of the tokens of one answer as they are sampled, and ends it at the texts that end
/// answers. On the engine thread, which waits for nobody: what happens is put into a queue.
final class AnswerListener implements SequenceListener {
    private static final String HALF = "\ufffd";

    private final int choice;
    private final Tokenizer tokenizer;
    private final Set<Integer> stopIds;
    private final int minTokens;
    private final StopText stops;
    private final Tokenizer.StreamDecoder text;
    private final Tokenizer.StreamDecoder tokens;

    @SuppressWarnings("unused") // who holds the listener holds them
    private final List<Picture> pictures;

    private final Consumer<AnswerEvent> told;
    private int count;
    private String end = "";

    /// @param keepsControls whether control tokens become text, for who reads turns
    /// @param pictures of the prompt, which may pass through the encoder until the answer has ended
    AnswerListener(
            int choice,
            Tokenizer tokenizer,
            Sampling sampling,
            boolean keepsControls,
            List<Picture> pictures,
            Consumer<AnswerEvent> told) {
        this.choice = choice;
        this.tokenizer = tokenizer;
        this.pictures = pictures;
        this.told = told;
        stopIds = sampling.stopIds();
        minTokens = sampling.minTokens();
        stops = new StopText(sampling.stops(), sampling.keepsStop());
        text = tokenizer.streamDecoder(!keepsControls);
        tokens = tokenizer.streamDecoder(false);
    }

    @Override
    public Next sampled(Ticket ticket, int id, float logProb) {
        count++;
        String sure = "";
        if (stopIds.contains(id)) {
            end = tokenizer.decode(new int[] {id}, false);
        } else {
            sure = stops.push(text.push(id), count >= minTokens);
        }
        told.accept(
                new AnswerEvent.Token(
                        choice, id, sure, tokens.push(id), logProb, ticket.likeliest()));
        return stops.found().isPresent() ? Next.END : Next.GO_ON;
    }

    @Override
    public void ended(Ticket ticket, SampledCompletion completion) {
        String last = text.flush();
        while (last.endsWith(HALF)) { // of a character that was cut
            last = last.substring(0, last.length() - 1);
        }
        String rest = stops.push(last, false) + stops.rest();
        told.accept(
                new AnswerEvent.End(
                        choice,
                        rest,
                        end,
                        stops.found().isPresent() ? StopReason.STOP_STRING : completion.reason(),
                        stops.found()));
    }

    @Override
    public void failed(Ticket ticket, RolloutException error) {
        told.accept(new AnswerEvent.Failure(choice, error));
    }
}
