/**
 * One ceremony at a time. A browser refuses a second call while one is pending (Chromium: OperationError), so a new
 * attempt gives the old one up and waits until it has really ended.
 */
export class Attempts {
  /** @type {{abort: AbortController, ended: Promise<void>} | undefined} */
  #current;
  #isClosed = false;

  /**
   * Begins an attempt in place of the one that may be under way.
   * @param {(signal: AbortSignal) => Promise<void>} run the attempt; it deals with its own failures
   * @returns {Promise<void>} settled when it has ended
   */
  begin(run) {
    const abort = new AbortController();
    const previous = this.#current;
    previous?.abort.abort();
    const ended = this.#after(previous?.ended, abort.signal, run);
    this.#current = { abort, ended };
    return ended;
  }

  /** No further attempt begins: the page is about to leave. */
  close() {
    this.#isClosed = true;
  }

  /**
   * @param {Promise<void> | undefined} previous the attempt to wait for
   * @param {AbortSignal} signal of this one
   * @param {(signal: AbortSignal) => Promise<void>} run this one
   */
  async #after(previous, signal, run) {
    await previous;
    if (!signal.aborted && !this.#isClosed) await run(signal);
  }
}
