/* Moving what is larger than its frame: with the mouse from anywhere in it, or by scrolling. */

/** A press that moves by no more pixels is a click. */
const STILL = 4;
/** So many milliseconds after it has moved it answers the pointer again. */
const AT_REST = 60;

/** Let a scroller be moved. While it moves it has the class `cp-moving`, and nothing in it is pointed at: what
    passes under the pointer would be drawn anew in every frame, and where the press ends is no click. */
export function pannable(scroller: HTMLElement): void {
  let timer = 0;
  let isPressed = false;
  let isHeld = false;
  const moved = () => {
    scroller.classList.add("cp-moving");
    clearTimeout(timer);
    timer = setTimeout(() => isHeld || scroller.classList.remove("cp-moving"), AT_REST);
  };
  // A press that has begun is let be a click, though what it was scrolled by is only told now.
  scroller.addEventListener("scroll", () => isPressed || moved());
  scroller.addEventListener("pointerdown", (start) => {
    if (start.pointerType === "touch" || start.button !== 0 || isOnBar(scroller, start)) return;
    const [left, top] = [scroller.scrollLeft, scroller.scrollTop];
    const until = new AbortController();
    isPressed = true;
    const move = (event: PointerEvent) => {
      const [x, y] = [event.clientX - start.clientX, event.clientY - start.clientY];
      isHeld ||= Math.hypot(x, y) > STILL;
      if (!isHeld) return;
      moved();
      scroller.scrollTo(left - x, top - y);
    };
    const end = () => {
      until.abort();
      if (isHeld) moved();
      isPressed = isHeld = false;
    };
    addEventListener("pointermove", move, { signal: until.signal });
    for (const type of ["pointerup", "pointercancel"]) addEventListener(type, end, { signal: until.signal });
  });
}

/** Whether a press is on a scroll bar, which the browser moves. */
function isOnBar(scroller: HTMLElement, { target, offsetX, offsetY }: PointerEvent): boolean {
  return target === scroller && (offsetX >= scroller.clientWidth || offsetY >= scroller.clientHeight);
}
