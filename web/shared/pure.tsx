/** A component that is drawn again only when one of its properties is another one. */
import { Component, type ComponentChildren } from 'preact';

export function pure<P extends object>(draw: (props: P) => ComponentChildren) {
  return class Pure extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const { props } = this;
      return Object.keys({ ...props, ...next }).some(
        (key) => props[key as keyof P] !== next[key as keyof P],
      );
    }

    override render() {
      return draw(this.props);
    }
  };
}
