/// Posting JSON to servers that may be slow, busy, away or broken.
package org.attune.http;
