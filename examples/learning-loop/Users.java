import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Twenty users who have a model sort digits. They like what is right, and correct the rest.
/// ```
/// java Users.java http://localhost:8000/v1 COUNT SEED [MODEL]
/// ```
/// It prints how many answers were right. A count below 0 asks and judges nothing. With MODEL they wait until that one
/// answers, a minute at most.
final class Users {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final Pattern ID = Pattern.compile("\"id\": ?\"(chatcmpl-[^\"]+)\"");
    private static final Pattern MODEL = Pattern.compile("\"model\": ?\"([^\"]*)\"");
    private static final Pattern TEXT = Pattern.compile("\"content\": ?\"([^\"]*)\"");

    private Users() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        String url = args[0];
        int count = Integer.parseInt(args[1]);
        boolean judges = count > 0;
        if (args.length > 3) {
            await(url, args[3]);
        }
        var random = new Random(Long.parseLong(args[2]));
        int right = 0;
        for (int i = 0; i < Math.abs(count); i++) {
            int[] digits = random.ints(4, 0, 10).toArray();
            String question = "Sort ascending:" + spelled(digits);
            java.util.Arrays.sort(digits);
            String sorted = spelled(digits).strip();
            String answer =
                    post(
                            url + "/chat/completions",
                            "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],\"max_tokens\":12,\"seed\":%d,\"user\":\"user%d\"%s}"
                                    .formatted(
                                            question, i, i % 20, judges ? "" : ",\"store\":false"));
            boolean isRight = found(TEXT, answer).strip().equals(sorted);
            right += isRight ? 1 : 0;
            if (judges) {
                String said =
                        isRight
                                ? "\"label\":\"up\""
                                : "\"label\":\"down\",\"corrected\":\"%s\"".formatted(sorted);
                post(url + "/feedback", "{\"id\":\"%s\",%s}".formatted(found(ID, answer), said));
            }
        }
        System.out.printf("right: %d of %d%n", right, Math.abs(count));
    }

    /// Waits until `model` answers, since a server looks for a new release every second only.
    private static void await(String url, String model) throws IOException, InterruptedException {
        String question =
                "{\"messages\":[{\"role\":\"user\",\"content\":\"Sort ascending: 3 1 2 4\"}],\"max_tokens\":1,\"store\":false}";
        long end = System.nanoTime() + 60_000_000_000L;
        while (!found(MODEL, post(url + "/chat/completions", question)).equals(model)) {
            if (System.nanoTime() > end) {
                throw new IOException(model + " doesn't answer after a minute");
            }
            Thread.sleep(200);
        }
    }

    private static String spelled(int[] digits) {
        var text = new StringBuilder();
        for (int digit : digits) {
            text.append(' ').append(digit);
        }
        return text.toString();
    }

    private static String found(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        return matcher.find() ? matcher.group(1) : "";
    }

    private static String post(String url, String body) throws IOException, InterruptedException {
        HttpResponse<String> response =
                CLIENT.send(
                        HttpRequest.newBuilder(URI.create(url))
                                .header("Content-Type", "application/json")
                                .POST(BodyPublishers.ofString(body))
                                .build(),
                        BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException(response.body());
        }
        return response.body();
    }
}
